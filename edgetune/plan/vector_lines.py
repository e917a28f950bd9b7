"""How often the loops of conv_2d_gradient_dsp.c turn where they take bytes, a lane a channel, and
not pairs of halves: by vectors, and without the DSP extension."""

from __future__ import annotations

from collections import Counter

from edgetune.plan.dsp import TILE
from edgetune.plan.dsp_lines import Lines, Span, copied_windows, gradient_lines, tap_spans
from edgetune.plan.work import GROUP, Work, add, picked, turns_of


def conv_2d_gradient(work: Work, rows: int) -> Counter:
    """``rows`` rows of the gradient, formed once: tile by tile, whose errors are prepared, and for
    every four weights their inputs, which meet one row at a time."""
    walk, layer = gradient_lines(work), work.layer
    tiles = [min(TILE, rows - first) for first in range(0, rows, TILE)]
    fours, few = sum(tile // GROUP for tile in tiles), rows % GROUP
    weights, chunks = -(-layer.row_size // GROUP), Counter(walk.positions)
    loops = Counter({"forms": 1, "formed_rows": rows, "zeroed": rows * layer.row_size})
    if walk.copied:
        add(loops, copied_windows(work))
    for _, start, end in walk.segments:
        add(loops, _line(work, 0, end - start, end - start, "error"), fours)
        add(loops, {"few_lanes": few, "picked": few * picked(end - start, work.lanes)})
    for positions, count in chunks.items():
        add(loops, {"chunks": 1, "tiles": len(tiles)}, count)
        turns = turns_of(positions, work.lanes)
        add(loops, {"bias_sums": 1, "bias_turns": turns}, count * rows)
        add(loops, {"sums": 1, "turns": turns}, count * weights * rows)
    if layer.row_size % GROUP:
        add(loops, {"partial": rows * sum(chunks.values())})
    add(loops, _input_lines(work, walk), len(tiles))
    return loops


def _line(work: Work, first: int, last: int, count: int, what: str) -> Counter:
    """``put_line``: four lanes, of ``count`` positions those from ``first`` to ``last`` - 1."""
    first, last = (first, last) if first < last else (0, 0)
    return Counter({
        f"{what}_lines": 1, "picked": GROUP * picked(last - first, work.lanes),
        "filled": GROUP * (turns_of(first, work.lanes) + turns_of(count - last, work.lanes)),
    })


def _input_lines(work: Work, walk: Lines) -> Counter:
    """Of every four weights."""
    loops: Counter = Counter()
    weights = -(-work.layer.row_size // GROUP)
    if walk.flat:
        for _, start, end in walk.segments:
            add(loops, _line(work, 0, end - start, end - start, "input"), weights)
        return loops + Counter({"inputs": weights * len(walk.segments)})
    for along, lines in tap_spans(work, walk):
        add(loops, _tap_lines(work, walk, along, lines), work.x[2] // GROUP)
    return loops + Counter({"inputs": weights * len(list(walk.chunks))})


def _tap_lines(work: Work, walk: Lines, along: Span, lines: Span) -> Counter:
    loops: Counter = Counter()
    for start, end, first, last in walk.inside(along, lines):
        add(loops, _line(work, first, last, end - start, "input"))
    return loops
