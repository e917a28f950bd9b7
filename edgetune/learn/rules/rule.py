"""What every update rule is: the steps of a layer's weights, and what is kept to tell them.

Of most rules a layer's step is a draw, and the rule says how many trials it has; the others give
each weight its step from its gradient.

Source: Convergence for Discrete Parameter Updates (arXiv 2512.04051).  ``docs/numerics.md``
section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.generator import Generator
from edgetune.learn.losses import Loss
from edgetune.learn.lower.backward import Backward
from edgetune.learn.operators import WeightedLayer
from edgetune.learn.program import Program
from edgetune.learn.words import words_of

MAX_TRIALS = 65535  # of one layer in one step: they are counted in 16 bits
Draw = Callable[[np.ndarray, int, Generator], np.ndarray]


@dataclass(frozen=True)
class Learning:
    """What a rule is made for: the ``trained`` layers of ``program``, their ``backward`` pass,
    and whether their weights learn, or their biases alone."""

    program: Program
    trained: list[WeightedLayer]
    backward: Backward
    weights: bool = True

    def count(self, layer: WeightedLayer) -> int:
        """Of the layer's weights; of its biases where they learn alone."""
        return layer.weights.size if self.weights else layer.rows


@dataclass(frozen=True)
class Outcome:
    """A sample after forward and loss: ``measure`` is the loss's, ``logits`` int64 [size].

    ``outputs``: of each trained layer the sum of |y - zero point| over those that the rule looks
    at; none where it does not.
    """

    step: int
    total_steps: int
    logits: np.ndarray
    target: Any
    measure: int
    outputs: tuple[int, ...] = ()


@dataclass(frozen=True)
class Gradient:
    """A layer's gradient: ``magnitudes`` |g| int64 [rows, columns], not all 0, and the errors
    ``error`` that it was formed from, int8 values; both times 2**``exponent``."""

    magnitudes: np.ndarray
    error: np.ndarray
    exponent: int

    @cached_property
    def mass(self) -> int:
        """S, the sum of |g|."""
        return int(self.magnitudes.sum())


class Rule:
    """``name`` as ``--rule`` takes it; ``symbol``: its name in C and of its file there;
    `observers`: the stages of a step that take note of the sample.

    ``network`` and ``layers`` hold what it keeps, dataclasses of 32-bit words as the engine's
    structs have them: one for all (None where it keeps nothing) and one a trained layer (no
    layers where it keeps nothing of them).
    ``sources``: further C files that it is made of.
    ``drawn``: whether its steps are a draw; ``factored``: and one that a dense layer can make
    without its gradient, from errors and inputs; ``whole``: and one over all layers at once.
    ``looks``: whether, not drawn, it looks at all of a layer's gradient before the first step.
    ``watches_outputs``: whether it looks at the size of each trained layer's output.
    ``has_null_mass``: whether it takes a constant of that name beside the rate.
    ``rate``: the one that was given, or the rule's default.
    """

    name: ClassVar[str]
    symbol: ClassVar[str]
    network_words: ClassVar[type | None] = None
    layer_words: ClassVar[type | None] = None
    sources: ClassVar[tuple[str, ...]] = ("trials.c",)
    drawn: ClassVar[bool] = True
    factored: ClassVar[bool] = True
    whole: ClassVar[bool] = False
    looks: ClassVar[bool] = False
    has_null_mass: ClassVar[bool] = False
    watches_outputs: ClassVar[bool] = False
    rate: float

    def __init__(self, learning: Learning, rate: float | None = None):
        self.learning = learning
        self.start()

    @classmethod
    def observers(cls, loss: Loss) -> tuple[str, ...]:
        """The stages that do what `observe` does, in their order."""
        return ()

    def start(self) -> None:
        """As nothing had been learnt; where nothing is trained it keeps nothing."""
        trained, words = self.learning.trained, self.layer_words
        self.network = self.network_words() if trained and self.network_words else None
        self.layers = [] if words is None else [words() for _ in trained]

    def under_way(self) -> None:
        """As in the midst of a run, half of which is still wrong."""

    def output_step(self, index: int) -> int:
        """Every how many-th output of a trained layer a rule that watches them looks at."""
        return 1

    def observe(self, outcome: Outcome) -> None:
        """Take note of a sample, before its updates."""

    def centred(self, index: int) -> bool:
        """Whether the weights of trained layer ``index`` move about the mean of its input."""
        return False

    def centre(self, index: int, x: np.ndarray) -> int:
        """About which they move, over the zero point of the input, where that is ``x``."""
        return self.learning.trained[index].centre(x) if self.centred(index) else 0

    def begin(self, index: int, exponent: int) -> None:
        """Take note of the exponent of a layer's gradient, before its update."""

    def measure(self, index: int, gradient: Gradient) -> None:
        """Of a draw over the ``whole``: take note of a layer's gradient, before any update."""

    def counts(
        self, index: int, gradient: Gradient, draw: Draw, generator: Generator
    ) -> np.ndarray:
        """The steps of trained layer ``index`` against its gradient's signs, in LSB: int64 of the
        shape of the magnitudes, here by a draw."""
        n = self.trials(index, gradient, generator)
        if not n:
            return np.zeros_like(gradient.magnitudes)
        return draw(self.masses(index, gradient), n, generator)

    def masses(self, index: int, gradient: Gradient) -> np.ndarray:
        """What the probabilities of a draw go with."""
        return gradient.magnitudes

    def trials_q16(self, index: int, gradient: Gradient) -> int:
        """The trials that trained layer ``index`` should have, Q16, up to `MAX_TRIALS`."""
        raise NotImplementedError

    def trials(self, index: int, gradient: Gradient, generator: Generator) -> int:
        """Their number n: the fraction is settled by one random word."""
        n = self.trials_q16(index, gradient)
        return (n >> 16) + ((generator.next() >> 16) < (n & 0xFFFF))

    def words(self) -> Iterator[int]:
        """All that it keeps, in the order of the state block."""
        for kept in (*([] if self.network is None else [self.network]), *self.layers):
            yield from words_of(kept)


def anneal_q16(step: int, total_steps: int) -> int:
    """1 - step / total_steps in Q16; 1 throughout where ``total_steps`` is 0."""
    if total_steps == 0:
        return 1 << 16
    return (max(0, total_steps - step) << 16) // total_steps
