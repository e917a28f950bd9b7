"""What a stage works on: its layer and shapes, of which its features are made."""

from __future__ import annotations

from collections import Counter
from typing import Any

from edgetune.dataclass import dataclass

GROUP = 4  # channels that one pass of an inner loop serves
@dataclass(frozen=True)
class Work:
    """A stage's layer, the shapes of its input and output, and its counts from `observe`;
    ``others``: values of its second input, 0 where it has none; ``lanes``: of its core."""

    layer: Any  # of the class that the function serves
    x: tuple[int, int, int]
    y: tuple[int, int, int]
    seen: dict[str, float]
    others: int = 0
    lanes: int = 0

    @property
    def cells(self) -> int:
        return self.x[0] * self.x[1]

    @property
    def positions(self) -> int:
        return self.y[0] * self.y[1]


def turns_of(count: int, lanes: int) -> int:
    """Turns of a loop over ``count`` values: by vectors, whose tail is predicated, at least one."""
    return count if lanes == 1 else max(1, -(-count // lanes))


def picked(count: int, lanes: int) -> int:
    """The same of values that lie apart: half as many a turn."""
    return turns_of(count, max(1, lanes // 2))


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
