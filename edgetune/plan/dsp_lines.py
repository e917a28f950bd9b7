"""How often the loops over lines of positions turn: pairs_dsp.c, planes_dsp.c and the gradients
that are made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import field
from fractions import Fraction

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.program import Shape
from edgetune.plan.dsp import (
    COPIES,
    PAIRS,
    PLANE_LINES,
    PLANE_PAIRS,
    TILE,
    padded,
)
from edgetune.plan.dsp_windows import Windows
from edgetune.plan.windows import axes
from edgetune.plan.work import GROUP, Work, add

SUMMED = "summed_"
Span = tuple[int, int]  # the first one, and the one past the last


def pair_line(first: int, last: int, pairs: int) -> Counter:
    """``et_pair_line`` of values ``first`` to ``last`` - 1 inside."""
    first, last = (first, last) if first < last else (0, 0)
    before = at = first // 2
    edges = first % 2
    at += edges
    whole = max(0, last // 2 - at)
    at += whole
    if last % 2 and at == last // 2:
        edges, at = edges + 1, at + 1
    return Counter({"pair_lines": 1, "pair_whole": whole, "pair_edges": edges,
                    "pair_none": before + pairs - at})


# -- planes ------------------------------------------------------------------------------------


@dataclass
class Patches:
    """Of four channels: the lines of outputs and what they have, and the loops that fill the
    planes.  ``first_count``: outputs of a line of the first patch."""

    lines: int = 0
    pairs: int = 0
    whole_pairs: int = 0
    odd_lines: int = 0
    outputs: int = 0
    first_count: int = 0
    filled: Counter = field(default_factory=Counter)


def planes(data: Shape, outputs: Shape, pad: tuple[int, int]) -> Patches:
    """Windows of 3x3 over ``data``, in lines along the outputs' longer side."""
    along, across = (0, 1) if outputs[0] >= outputs[1] else (1, 0)
    found = Patches(first_count=min(2 * PLANE_PAIRS, outputs[along]))
    for first in range(0, outputs[across], PLANE_LINES):
        lines = min(PLANE_LINES, outputs[across] - first)
        exist = sum(
            0 <= line - pad[across] < data[across] for line in range(first, first + lines + 2)
        )
        for start in range(0, outputs[along], 2 * PLANE_PAIRS):
            count = min(2 * PLANE_PAIRS, outputs[along] - start)
            _patch(found, data[along], start - pad[along], count, lines, exist)
    return found


def _patch(found: Patches, length: int, start: int, count: int, lines: int, exist: int) -> None:
    pairs = -(-count // 2)
    found.lines += lines
    found.pairs += lines * pairs
    found.whole_pairs += lines * (count // 2)
    found.odd_lines += lines * (count % 2)
    found.outputs += lines * count
    cells = 2 * pairs + 2
    inside = min(cells, max(0, -start)), max(0, min(cells, length - start))
    found.filled["patches"] += 1
    add(found.filled, pair_line(*inside, pairs + 1), exist)
    add(found.filled, pair_line(0, 0, pairs + 1), lines + 2 - exist)


def depthwise_gradient(work: Work, rows: int) -> Counter:
    """``rows`` channels of the gradient, formed once."""
    groups = -(-rows // GROUP)
    patches = planes(work.x, work.y, work.layer.window.pad)
    loops = Counter(patches.filled)
    loops["error_lines"] += patches.lines
    loops["error_pairs"] += patches.whole_pairs
    loops["error_edges"] += patches.odd_lines
    return Counter({name: groups * turns for name, turns in loops.items()}) + Counter(
        {"forms": 1, "groups": groups, "put_rows": rows}
    )


# -- convolutions ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lines:
    """``walk`` of conv_2d_gradient_dsp.c: lines of positions in segments, of which ``at_once`` are
    prepared together."""

    length: int
    lines: int
    segment: int
    per_line: int
    at_once: int
    flat: bool
    copied: bool
    upright: bool = False

    @property
    def segments(self) -> list[tuple[int, int, int]]:
        """Line, and the positions from the first to the one past the last."""
        return [
            (line, start, min(start + self.segment, self.length))
            for line in range(self.lines)
            for start in range(0, self.per_line * self.segment, self.segment)
        ]

    @property
    def chunks(self) -> Iterator[int]:
        """Pairs of the segments that are prepared together."""
        return self._together([-(-(end - start) // 2) for _, start, end in self.segments])

    @property
    def positions(self) -> Iterator[int]:
        """Of the segments that are prepared together."""
        return self._together([end - start for _, start, end in self.segments])

    def _together(self, counts: list[int]) -> Iterator[int]:
        for first in range(0, len(counts), self.at_once):
            yield sum(counts[first : first + self.at_once])

    def inside(self, along: Span, lines: Span) -> Iterator[tuple[int, int, int, int]]:
        """Of each segment its ends, and the first and the one past the last position whose tap
        exists; ``along`` and ``lines``: where it does."""
        for line, start, end in self.segments:
            first, last = max(along[0], start) - start, min(along[1], end) - start
            yield start, end, *((first, last) if lines[0] <= line < lines[1] else (0, 0))


def gradient_lines(work: Work) -> Lines:
    """``walk_of``"""
    x, y, window = work.x, work.y, work.layer.window
    copied = x[2] % 4 != 0
    flat = (window.kernel, window.stride, window.pad) == ((1, 1), (1, 1), (0, 0)) and x[:2] == y[:2]
    if copied or flat:
        fit = max(8, COPIES // padded(work.layer.row_size) & ~1)
        most = min(2 * PAIRS, fit) if copied else 2 * PAIRS
        per_line, segment = _segments(work.positions, most)
        return Lines(work.positions, 1, segment, per_line, 1, True, copied)
    upright = y[0] >= y[1]
    length, lines = (y[0], y[1]) if upright else (y[1], y[0])
    per_line, segment = _segments(length, 2 * PAIRS)
    at_once = 1 if per_line > 1 else max(1, PAIRS // (segment // 2))
    return Lines(length, lines, segment, per_line, at_once, False, False, upright)


def _segments(length: int, most: int) -> tuple[int, int]:
    per_line = -(-length // most)
    return per_line, (-(-length // per_line) + 1) & ~1


def conv_2d_gradient(work: Work, rows: int) -> Counter:
    """``rows`` rows of the gradient, formed once: tile by tile, whose errors are prepared, and for
    every four weights their inputs, which meet two rows at a time."""
    walk, layer = gradient_lines(work), work.layer
    tiles = [min(TILE, rows - first) for first in range(0, rows, TILE)]
    fours, few = sum(tile // 4 for tile in tiles), rows % 4
    twos = sum(-(-tile // 2) for tile in tiles)
    weights, chunks = -(-layer.row_size // 4), Counter(walk.chunks)
    loops = Counter({"forms": 1, "zeroed": rows * (layer.row_size + 1)})
    if walk.copied:
        add(loops, copied_windows(work))
    for _, start, end in walk.segments:
        pairs = -(-(end - start) // 2)
        add(loops, _renamed(pair_line(0, end - start, pairs)), fours)
        add(loops, {"few_pairs": pairs, "few_errors": few * (end - start)}, 1 if few else 0)
    for pairs, count in chunks.items():
        add(loops, {"chunks": 1, "tiles": len(tiles)}, count)
        add(loops, {"bias_sums": 1, "bias_pairs": pairs}, count * (fours + (1 if few else 0)))
        summed = count * twos * work.seen.get(f"{SUMMED}{pairs}", 1)
        add(loops, _pair_sums(pairs), weights * summed)
        if layer.row_size % 4:
            add(loops, {"partial": summed})
    add(loops, _input_lines(work, walk), len(tiles))
    return loops


def summed_rows(work: Work, error: np.ndarray, rows: int) -> dict[str, Fraction]:
    """`SUMMED` and a number: of chunks of so many pairs the share of rows, two at a time, that are
    summed: those that have errors in the chunk.  ``rows``: of a block."""
    walk, channels = gradient_lines(work), work.y[2]
    cells = error.reshape(work.y) != 0
    cells = cells.swapaxes(0, 1) if walk.upright and not walk.flat else cells
    cells = cells.reshape(walk.lines, walk.length, channels)
    live = [cells[line, start:end].any(axis=0) for line, start, end in walk.segments]
    summed: Counter = Counter()
    every: Counter = Counter()
    for index, pairs in enumerate(walk.chunks):
        seen = np.any(live[index * walk.at_once : (index + 1) * walk.at_once], axis=0)
        for block in range(0, channels, rows):
            for tile in range(block, min(block + rows, channels), TILE):
                part = seen[tile : min(tile + TILE, block + rows)]
                summed[pairs] += -(-int(part.sum()) // 2)
                every[pairs] += -(-part.size // 2)
    return {f"{SUMMED}{pairs}": Fraction(summed[pairs], count) for pairs, count in every.items()}


def copied_windows(work: Work) -> Counter:
    """Every window copied once, as it lies."""
    return Windows(*axes(work.layer.window, work.x, work.y), work.x[2]).copied()


def _renamed(line: Counter) -> Counter:
    return Counter({name.replace("pair", "error", 1): turns for name, turns in line.items()})


def _pair_sums(pairs: int) -> dict:
    return {"sums": 1, "odd": pairs & 1, "two": pairs >> 1 & 1, "fours": pairs >> 2}


def _input_lines(work: Work, walk: Lines) -> Counter:
    """Of every four weights."""
    loops: Counter = Counter()
    weights = -(-work.layer.row_size // 4)
    if walk.flat:
        for _, start, end in walk.segments:
            add(loops, pair_line(0, end - start, -(-(end - start) // 2)), weights)
        return loops + Counter({"inputs": weights * len(walk.segments)})
    for along, lines in tap_spans(work, walk):
        add(loops, _tap_lines(walk, along, lines), work.x[2] // 4)
    return loops + Counter({"inputs": weights * len(list(walk.chunks))})


def tap_spans(work: Work, walk: Lines) -> Iterator[tuple[Span, Span]]:
    """Of each tap the positions along a line, and the lines, at which it exists."""
    down, along = axes(work.layer.window, work.x, work.y)
    for ky in range(down.kernel):
        for kx in range(along.kernel):
            rows, columns = down.outputs_inside(ky), along.outputs_inside(kx)
            yield (rows, columns) if walk.upright else (columns, rows)


def _tap_lines(walk: Lines, along: Span, lines: Span) -> Counter:
    loops: Counter = Counter()
    for start, end, first, last in walk.inside(along, lines):
        add(loops, pair_line(first, last, -(-(end - start) // 2)))
    return loops
