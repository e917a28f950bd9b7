"""What a stage works on: its layer and shapes, of which its features are made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

GROUP = 4  # channels that one pass of an inner loop serves
SIXTEEN, EIGHT = 16, 8  # bytes that a vector holds, and those of them that it picks or widens


@dataclass(frozen=True)
class Work:
    """A stage's layer, the shapes of its input and output, and its counts from `observe`;
    ``others``: values of its second input, 0 where it has none; ``vectors``: whether the core has
    MVE, whose vectors serve the innermost loops of the DSP extension's convolutions too."""

    layer: Any  # of the class that the function serves
    x: tuple[int, int, int]
    y: tuple[int, int, int]
    seen: dict[str, float]
    others: int = 0
    vectors: bool = False

    @property
    def cells(self) -> int:
        return self.x[0] * self.x[1]

    @property
    def positions(self) -> int:
        return self.y[0] * self.y[1]


def vectors_of(count: int, lanes: int) -> int:
    """Turns of a loop over ``count`` values with a predicated tail: at least one."""
    return max(1, -(-count // lanes))


def groups(count: int) -> tuple[int, int]:
    """How many groups of channels ``count`` ones fill, and those left over."""
    return count // GROUP, count % GROUP


def add(loops: Counter, more: dict, times: float = 1) -> None:
    """``more`` turns of loops, ``times`` over."""
    for name, turns in more.items():
        loops[name] += turns * times


def repeated(loops: Counter, count: int) -> Counter:
    """``loops``, ``count`` times over."""
    return Counter({name: turns * count for name, turns in loops.items()})
