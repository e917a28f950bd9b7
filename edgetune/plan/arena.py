"""The arena: offsets for buffers so that none alive at the same time overlap, but where one runs
over what it is made of."""

from __future__ import annotations

from bisect import insort

from edgetune.plan.schedule import ALIGNMENT, Buffer

_Place = tuple[int, int, int, int]  # of a buffer: start and end, first and last stage
_Piece = tuple[Buffer, int]  # of a block: a buffer, and where it begins in the block
TRIES = 40  # orders in which a tight arena is laid out


def lay_out(buffers: list[Buffer], order: list[Buffer] | None = None) -> int:
    """Give every buffer its offset, one after the other at the lowest place free for its whole
    life: in the ``order`` that `tight_order` found, else the largest first.

    Returns the arena's size in bytes.  Greedy by size is within a few per cent of the optimum
    on chains, where the peak is one moment at the top of the network.
    """
    blocks = _blocks(buffers)
    if order is None:
        return _place(sorted(blocks.values(), key=lambda b: (-_extent(b), b[0][0].first)))
    return _place([blocks[id(root)] for root in order])


def tight_order(buffers: list[Buffer], room: int) -> list[Buffer] | None:
    """An order in which the arena takes no more than ``room`` bytes, else the least of `TRIES`:
    what ends highest goes first.  None where none is better than the largest first."""
    least, best = lay_out(buffers), None
    if least <= room:
        return None
    enough = max(room, peak(buffers, 1 + max(b.last for b in buffers))[0])
    blocks = _blocks(buffers)
    order = sorted(blocks.values(), key=lambda b: (-_extent(b), b[0][0].first))
    for _ in range(TRIES):
        if least <= enough:
            break
        top = max(order, key=_end)
        order = [top, *(block for block in order if block is not top)]
        if (size := _place(order)) < least:
            least, best = size, [_root(block[0][0]) for block in order]
    return best


def _root(buffer: Buffer) -> Buffer:
    """What lies where it likes, of those that ``buffer`` is at a fixed distance from."""
    while buffer.over:
        buffer, _ = buffer.over
    return buffer


def _blocks(buffers: list[Buffer]) -> dict[int, list[_Piece]]:
    """Buffers at fixed distances from each other, by the id of the one that they follow."""
    blocks: dict[int, list[_Piece]] = {}
    for buffer in buffers:
        at, root = 0, buffer
        while root.over:
            root, distance = root.over
            at -= distance
        blocks.setdefault(id(root), []).append((buffer, at))
    for pieces in blocks.values():
        lowest = min(at for _, at in pieces)
        pieces[:] = [(buffer, at - lowest) for buffer, at in pieces]
    return blocks


def _extent(block: list[_Piece]) -> int:
    return max(at + buffer.size for buffer, at in block)


def _end(block: list[_Piece]) -> int:
    return max((buffer.offset or 0) + buffer.size for buffer, _ in block)


def _place(blocks: list[list[_Piece]]) -> int:
    placed: list[_Place] = []
    for block in blocks:
        start = _lowest_gap(block, placed)
        for buffer, at in block:
            buffer.offset = start + at
            end = -(-(buffer.offset + buffer.size) // ALIGNMENT) * ALIGNMENT
            insort(placed, (buffer.offset, end, buffer.first, buffer.last))
    return max((end for _, end, _, _ in placed), default=0)


def _lowest_gap(block: list[_Piece], placed: list[_Place]) -> int:
    """The lowest place that is free for each piece while it lives."""
    start, before = 0, -1
    while start != before:
        before = start
        for buffer, at in block:
            start = _free_from(buffer, placed, start + at) - at
    return start


def _free_from(buffer: Buffer, placed: list[_Place], offset: int) -> int:
    size, first, last = buffer.size, buffer.first, buffer.last
    for start, end, from_stage, to_stage in placed:
        if from_stage <= last and first <= to_stage:
            if offset + size <= start:
                break
            if end > offset:
                offset = end
    return offset


def peak(buffers: list[Buffer], stages: int) -> tuple[int, int]:
    """The most bytes alive at one stage, a lower bound of any arena, and that stage."""
    totals = [alive(buffers, stage) for stage in range(stages)]
    most = max(totals)
    return most, totals.index(most)


def alive(buffers: list[Buffer], stage: int) -> int:
    """Bytes at ``stage``; what one buffer has in common with another counts once."""
    total = 0
    for b in buffers:
        if b.first <= stage <= b.last:
            total += b.size
            if b.over and stage == b.first:
                read, distance = b.over
                total -= max(0, min(b.size - distance, read.size))
    return total
