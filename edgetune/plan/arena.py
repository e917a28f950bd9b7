"""The arena: offsets for buffers so that none alive at the same time overlap."""

from __future__ import annotations

from edgetune.plan.schedule import Buffer

ALIGNMENT = 8  # row masses are 64-bit


def lay_out(buffers: list[Buffer]) -> int:
    """Give every buffer its offset, largest first at the lowest place free for its whole life.

    Returns the arena's size in bytes.  Greedy by size is within a few per cent of the optimum
    on chains, where the peak is one moment at the top of the network.
    """
    placed: list[Buffer] = []
    for buffer in sorted(buffers, key=lambda b: (-b.size, b.first)):
        buffer.offset = _lowest_gap(buffer, placed)
        placed.append(buffer)
    return max((_end(b) for b in placed), default=0)


def _start(buffer: Buffer) -> int:
    assert buffer.offset is not None, f"{buffer.name} is not placed"
    return buffer.offset


def _end(buffer: Buffer) -> int:
    return -(-(_start(buffer) + buffer.size) // ALIGNMENT) * ALIGNMENT


def _lowest_gap(buffer: Buffer, placed: list[Buffer]) -> int:
    alive = [b for b in placed if b.first <= buffer.last and buffer.first <= b.last]
    offset = 0
    for other in sorted(alive, key=_start):
        if offset + buffer.size <= _start(other):
            break
        offset = max(offset, _end(other))
    return offset


def peak(buffers: list[Buffer], stages: int) -> tuple[int, int]:
    """The most bytes alive at one stage, a lower bound of any arena, and that stage."""
    totals = [
        sum(b.size for b in buffers if b.first <= stage <= b.last) for stage in range(stages)
    ]
    most = max(totals)
    return most, totals.index(most)
