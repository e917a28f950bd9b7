"""How often the loops over a convolution's windows turn in windows_dsp.c and the files that walk
them: two windows at a time, in place or copied."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import field

from edgetune.dataclass import dataclass
from edgetune.learn import operators as p
from edgetune.learn.program import Shape, Window
from edgetune.plan.dsp import columns_inside, joined, padded
from edgetune.plan.windows import Axis, axes
from edgetune.plan.work import Work, add, repeated, turns_of

Taps = tuple[int, int]  # the first one, and the one past the last


@dataclass
class Walk:
    """Over all windows, once: ``pairs`` in place; two that are copied, and single ones."""

    pairs: int = 0
    twos: int = 0
    ones: int = 0
    loops: Counter = field(default_factory=Counter)


@dataclass(frozen=True)
class Windows:
    """``et_windows``: over data of ``depth`` values a cell.  ``clipped``: rows of taps outside may
    be left out; ``lanes``: where bytes are summed, one window at a time, so many a turn."""

    down: Axis
    along: Axis
    depth: int
    clipped: bool = False
    lanes: int = 0

    @property
    def run(self) -> int:
        return self.along.kernel * self.depth

    @property
    def size(self) -> int:
        """Values of a copied one."""
        return padded(self.down.kernel * self.run)

    @property
    def inside(self) -> tuple[int, int]:
        return columns_inside(self.down, self.along, self.depth)

    def taps_of_row(self, row: int) -> Taps:
        return _taps(self.down, row)

    def row_inside(self, row: int) -> bool:
        first, last = self.taps_of_row(row)
        return last > first if self.clipped else last - first == self.down.kernel

    def walk(self, in_place: bool = True) -> Walk:
        """``forward_row`` of all rows; ``in_place``: windows may be read where they lie."""
        found, columns = Walk(), self.along.out
        inside = Counter(
            self.taps_of_row(row) if in_place and self.row_inside(row) else None
            for row in range(self.down.out)
        )
        for taps, rows in inside.items():
            first, last = self.inside if taps else (columns, columns)
            first += first % 2
            pairs = max(0, (last - first) // 2)
            found.pairs += rows * pairs
            copied = columns - 2 * pairs
            found.twos += rows * (copied // 2)
            found.ones += rows * (copied % 2)
            found.loops["runs"] += rows * (pairs > 0)
            if taps and pairs:
                add(found.loops, self.sums(taps), rows * pairs)
        found.loops["rows"] += self.down.out
        found.loops["patches"] += found.twos + found.ones
        add(found.loops, self._two(1, self.size), found.twos)
        add(found.loops, self._one(1, self.size), found.ones)
        add(found.loops, self._patched(in_place), 1)
        return found

    def sums(self, taps: Taps) -> Counter:
        """Two windows of these rows of taps, in place."""
        return self._two(taps[1] - taps[0], self.run)

    def _two(self, rows: int, run: int) -> Counter:
        return repeated(_lanes(rows, run, self.lanes), 2) if self.lanes else _sums(rows, run)

    def _one(self, rows: int, run: int) -> Counter:
        """The same window twice."""
        return _lanes(rows, run, self.lanes) if self.lanes else _sums(rows, run)

    def copied(self) -> Counter:
        """Of every window once."""
        columns = Counter(_taps(self.along, column) for column in range(self.along.out))
        return self._copies(range(self.down.out), lambda row: columns)

    def _patched(self, in_place: bool) -> Counter:
        """Copies of the windows that are not read in place."""
        first, last = self.inside
        first += first % 2
        end = first + max(0, (last - first) // 2) * 2
        spans = [_taps(self.along, column) for column in range(self.along.out)]
        every = Counter(spans)
        beside = Counter(spans[:first] + spans[end:]) if end > first else every
        return self._copies(
            range(self.down.out),
            lambda row: beside if in_place and self.row_inside(row) else every,
        )

    def _copies(self, rows: range, columns_of: Callable[[int], Counter]) -> Counter:
        """Windows at ``rows``, of each at the columns whose taps ``columns_of`` counts."""
        kinds: Counter = Counter()
        for row in rows:
            for columns, count in columns_of(row).items():
                kinds[self.taps_of_row(row), columns] += count
        loops: Counter = Counter()
        for (down, along), count in kinds.items():
            add(loops, self._copy(down, along), count)
        return loops

    def _copy(self, down: Taps, along: Taps) -> Counter:
        """``et_copy_window``: runs that are copied and filled, in words and single bytes."""
        size = self.down.kernel * self.run
        length, rows = (along[1] - along[0]) * self.depth, down[1] - down[0]
        if not rows or not length:
            return Counter({"copies": 1}) + _bytes("filled", size, self.size - size)
        before = along[0] * self.depth
        loops = _bytes("filled", down[0] * self.run, (self.down.kernel - down[1]) * self.run,
                       self.size - size)
        if length == self.run == 4:
            return loops + Counter({"copies": 1, "short_rows": rows})
        add(loops, _bytes("filled", before, self.run - before - length), rows)
        add(loops, _bytes("copied", length), rows)
        return loops + Counter({"copies": 1, "copied_rows": rows})


def _sums(rows: int, run: int) -> Counter:
    """``et_sum_two_windows``: fours of a row two at a time, an odd one first."""
    fours = run // 4
    return Counter({
        "sums": 1, "sum_rows": rows, "odd_fours": rows * (fours % 2),
        "two_fours": rows * (fours // 2),
    })


def _lanes(rows: int, run: int, lanes: int) -> Counter:
    """``sum_window`` of bytes: one row at once, or row by row."""
    kind = "one_row" if rows == 1 else "more_rows"
    return Counter({
        kind: 1, f"{kind}_lines": rows if rows > 1 else 0,
        "turns": rows * turns_of(run, lanes),
    })


def _bytes(what: str, *counts: int) -> Counter:
    return Counter({
        f"{what}_words": sum(count // 4 for count in counts),
        f"{what}_bytes": sum(count % 4 for count in counts),
    })


def _taps(axis: Axis, output: int) -> Taps:
    """``et_taps_inside``"""
    start = output * axis.stride - axis.pad
    first = min(axis.kernel, max(0, -start))
    return first, max(first, min(axis.kernel, axis.size - start))


def forward_windows(work: Work) -> Windows:
    both = joined(axes(work.layer.window, work.x, work.y))
    return Windows(*both, work.x[2], lanes=work.lanes)


def windows_beside(count: int, windows: Windows) -> Windows:
    """``count`` copied ones of ``windows`` as cells of their own."""
    one = Axis(size=1, out=1, kernel=1, stride=1, pad=0)
    return Windows(one, Axis(count, count, 1, 1, 0), windows.size, lanes=windows.lanes)


def backward_phases(
    layer: p.Conv2D, x: Shape, y: Shape, lanes: int = 0
) -> Iterator[tuple[Windows, int]]:
    """Of each phase its windows over the errors, and its cells; the phase of the first cell is the
    first."""
    window = layer.window
    for top in range(min(window.stride[0], x[0])):
        down = _phase(top, x[0], y[0], window, 0)
        for left in range(min(window.stride[1], x[1])):
            along = _phase(left, x[1], y[1], window, 1)
            step = window.stride[1] if along.out > 1 else window.stride[0] * x[1]
            ends_meet = window.stride[0] * x[1] == step * along.out
            both = (down, along)
            if along.out == 1 or ends_meet:
                both = joined(both)
            yield Windows(*both, y[2], True, lanes), math.prod((down.out, along.out))


def _phase(first: int, cells: int, errors: int, window: Window, axis: int) -> Axis:
    """``phase_of``: a window over the errors."""
    kernel, stride, pad = window.kernel[axis], window.stride[axis], window.pad[axis]
    tap = (first + pad) % stride
    taps = -(-(kernel - tap) // stride) if tap < kernel else 0
    start = (first + pad - tap) // stride - (taps - 1)
    return Axis(errors, -(-(cells - first) // stride), taps, 1, -start)
