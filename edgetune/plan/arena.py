"""The arena: offsets for buffers so that none alive at the same time overlap."""

from __future__ import annotations

from bisect import insort

from edgetune.plan.schedule import Buffer

ALIGNMENT = 8  # row masses are 64-bit

_Place = tuple[int, int, int, int]  # of a buffer: start and end, first and last stage


def lay_out(buffers: list[Buffer]) -> int:
    """Give every buffer its offset, largest first at the lowest place free for its whole life.

    Returns the arena's size in bytes.  Greedy by size is within a few per cent of the optimum
    on chains, where the peak is one moment at the top of the network.
    """
    placed: list[_Place] = []
    for buffer in sorted(buffers, key=lambda b: (-b.size, b.first)):
        start = buffer.offset = _lowest_gap(buffer, placed)
        end = -(-(start + buffer.size) // ALIGNMENT) * ALIGNMENT
        insort(placed, (start, end, buffer.first, buffer.last))
    return max((end for _, end, _, _ in placed), default=0)


def _lowest_gap(buffer: Buffer, placed: list[_Place]) -> int:
    size, first, last = buffer.size, buffer.first, buffer.last
    offset = 0
    for start, end, from_stage, to_stage in placed:
        if from_stage <= last and first <= to_stage:
            if offset + size <= start:
                break
            if end > offset:
                offset = end
    return offset


def peak(buffers: list[Buffer], stages: int) -> tuple[int, int]:
    """The most bytes alive at one stage, a lower bound of any arena, and that stage."""
    totals = [
        sum(b.size for b in buffers if b.first <= stage <= b.last) for stage in range(stages)
    ]
    most = max(totals)
    return most, totals.index(most)
