"""What a plan may give up for RAM: instructions, or the next sample's head start."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from edgetune.dataclass import dataclass
from edgetune.learn.operators import DepthwiseConv2D
from edgetune.learn.program import Layer, Program


@dataclass(frozen=True)
class Savings:
    """No bit of what is learnt depends on any of them.

    ``small_ring``: the receive ring holds no whole sample, so the next one travels only when a
    step is done.  ``shared_frame``: the frame lies in the arena, where the sample makes room once
    its last reader is done.  ``again``: layers whose output is not kept for the backward pass but
    computed a second time.  ``over``: stages, by their names, whose output may run over what they
    read for the last time.  ``plain``: stages that have no kernel with scratch.
    """

    small_ring: bool = False
    shared_frame: bool = False
    again: frozenset[str] = frozenset()
    over: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()

    def added_to(self, others: Savings) -> Savings:
        """Both together."""
        return Savings(
            self.small_ring or others.small_ring, self.shared_frame or others.shared_frame,
            self.again | others.again, self.over | others.over, self.plain | others.plain,
        )

    def without(self, others: Savings) -> Savings:
        """These, but for the layers and stages of ``others``."""
        return replace(
            self, again=self.again - others.again, over=self.over - others.over,
            plain=self.plain - others.plain,
        )


NONE = Savings()
STAGES = "forward", "again", "loss", "backward", "update"  # of a layer, by the ends of their names


def stages_of(layers: Iterable[Layer]) -> frozenset[str]:
    """The names of all stages that ``layers`` may have."""
    return frozenset(f"{layer.name} {part}" for layer in layers for part in STAGES)


def cheap_layers(program: Program) -> list[Layer]:
    """Those whose output is worth computing twice, because it takes a small part of a step.  The
    largest outputs first."""
    sizes = [activation.size for activation in program.activations]
    found = [
        layer for layer in program.layers
        if isinstance(layer, DepthwiseConv2D)
        and program.storage(layer.output) == layer.output
        and sum(program.storage(la.output) == layer.output for la in program.layers) == 1
    ]
    return sorted(found, key=lambda layer: -sizes[layer.output])
