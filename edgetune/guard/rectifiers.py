"""Live rectifiers: channels that answer, with the weights of a run's beginning and end.

A rectified channel that is at its zero for every sample passes no error and learns no more: that
is how learning collapses where its steps are too large.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.guard.sample_losses import Samples
from edgetune.learn.learner import Learner
from edgetune.learn.operators import Lookup
from edgetune.learn.program import NO_CLIP_LOW, Layer, Program

LOOKED_AT = 32  # samples
LARGE_PART = 0.5  # of the channels that answered
FEWEST = 4  # of these; of fewer a part says little
FUNCTIONS = ("RELU", "RELU6", "RELU_0_TO_1")  # that stand for themselves


@dataclass(frozen=True)
class Rectified:
    """Of ``channels`` of a ``layer`` those that are above their zero for some of the samples
    looked at: with the weights ``before`` the run, and ``after`` it with those learnt, the fewest
    where some were given up."""

    layer: str
    channels: int
    before: int
    after: int

    @property
    def fell(self) -> bool:
        """Whether a large part of those that answered does no more."""
        return self.before >= FEWEST and self.after < LARGE_PART * self.before


def compare_rectifiers(
    before: Learner, after: Sequence[Learner], samples: Samples
) -> tuple[Rectified, ...]:
    """Of each rectified layer, by forward passes of some of the ``samples`` in numpy.

    Args:
        before: in the state that a run began with.
        after: in states that it learnt, one at least.
    """
    rectified = rectified_layers(before.program)
    if not rectified or not len(samples):
        return ()
    some = samples[:: -(-len(samples) // LOOKED_AT)]
    first, *others = (_answering(learner, rectified, some) for learner in (before, *after))
    return tuple(
        Rectified(layer.name, _channels(before.program, layer), count, min(later))
        for (layer, _), count, later in zip(rectified, first, zip(*others))
    )


def rectified_layers(program: Program) -> list[tuple[Layer, int]]:
    """Those whose output is cut at zero, each with the value that stands for it."""
    kinds = {operator.index: operator.kind for operator in program.graph.operators}
    found = []
    for layer in program.layers:
        y = program.activations[layer.output]
        alone = isinstance(layer, Lookup) and kinds.get(layer.operator) in FUNCTIONS
        if alone or y.clip_low > NO_CLIP_LOW:
            found.append((layer, y.zero_point if alone else y.clip_low))
    return found


def _answering(
    learner: Learner, rectified: list[tuple[Layer, int]], samples: Samples
) -> list[int]:
    """Of each layer, how many channels are above their zero for one of ``samples``."""
    live = [np.zeros(_channels(learner.program, layer), bool) for layer, _ in rectified]
    for x, _ in samples:
        learner.forward(x)
        for found, (layer, zero) in zip(live, rectified):
            value = learner.values[layer.output]
            assert value is not None  # every layer ran
            found |= (value > zero).reshape(-1, len(found)).any(axis=0)
    return [int(found.sum()) for found in live]


def _channels(program: Program, layer: Layer) -> int:
    return program.activations[layer.output].shape[-1]
