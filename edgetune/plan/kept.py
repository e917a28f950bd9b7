"""Gradients that are kept whole where the arena has room for them, and not formed twice."""

from __future__ import annotations

from edgetune.plan.arena import lay_out, tight_order
from edgetune.plan.schedule import Schedule, Stage

# Bytes of RAM that no kept gradient takes: for the stack and the variables of all parts, and of
# et_model_train's frame for the exponents of each update.
FREE, FREE_FOR_UPDATE = 3072, 8
ALONE = 64  # layers, so that the work is bounded


def free_ram(schedule: Schedule) -> int:
    """Bytes that stay free beside the arena, the state and the link's buffers."""
    return FREE + FREE_FOR_UPDATE * sum(stage.phase == "update" for stage in schedule.stages)


def lay_out_schedule(schedule: Schedule, room: int, tight: bool = False) -> int:
    """Give all buffers their places, ``tight`` where they take more than ``room`` bytes in orders
    of `tight_order`; the arena's size in bytes.

    Where a gradient is formed in blocks its buffer grows to all rows, and scratch with it, largest
    layers first, as long as the arena takes no more than ``room`` bytes, or than it needs anyway;
    the smallest together, where they are more than `ALONE`.
    """
    buffers = [buffer for buffer in schedule.buffers if not buffer.outside]
    order = tight_order(buffers, room) if tight else None
    room = max(room, lay_out(buffers, order))
    stages = sorted(_in_blocks(schedule), key=lambda stage: -stage.buffers["gradient"].whole)
    others = [stages[ALONE:]] if len(stages) > ALONE else []
    for chosen in [*([one] for one in stages[:ALONE]), *others]:
        grown = [stage.buffers[role] for stage in chosen for role in ("gradient", "scratch")]
        sizes = [buffer.size for buffer in grown]
        for buffer in grown:
            buffer.size = buffer.whole
        if lay_out(buffers, order) > room:
            for buffer, size in zip(grown, sizes):
                buffer.size = size
    return lay_out(buffers, order)


def kept_gradients(schedule: Schedule) -> dict[str, bool]:
    """Each layer whose gradient is formed in blocks, the lowest first: whether all is kept."""
    return {
        stage.layer.name: stage.buffers["gradient"].size == stage.buffers["gradient"].whole
        for stage in _in_blocks(schedule)[::-1] if stage.layer
    }


def _in_blocks(schedule: Schedule) -> list[Stage]:
    """The updates that form a part of a gradient at once."""
    return [stage for stage in schedule.stages if stage.kernel.forms]
