"""Gradients that are kept whole where the arena has room for them, and not formed twice."""

from __future__ import annotations

from edgetune.learn.operators import WeightedLayer
from edgetune.plan.arena import lay_out, tight_order
from edgetune.plan.schedule import Buffer, Schedule

# Bytes of RAM that no kept gradient takes: for the stack and the variables of all parts, and of
# et_model_train's frame for the exponents of each update.
FREE, FREE_FOR_UPDATE = 3072, 8
ALONE = 64  # layers, so that the work is bounded


def free_ram(schedule: Schedule) -> int:
    """Bytes that stay free beside the arena, the state and the link's buffers."""
    return FREE + FREE_FOR_UPDATE * sum(stage.phase == "update" for stage in schedule.stages)


def lay_out_schedule(schedule: Schedule, room: int) -> int:
    """Give all buffers their places; the arena's size in bytes.

    Where a gradient is formed in blocks its buffer grows to all rows, largest layers first, as
    long as the arena takes no more than ``room`` bytes, or than it needs anyway; the smallest
    together, where they are more than `ALONE`.
    """
    buffers = [buffer for buffer in schedule.buffers if not buffer.outside]
    order = tight_order(buffers, room)
    room = max(room, lay_out(buffers, order))
    blocks = [block[1:] for block in sorted(_in_blocks(schedule), key=lambda block: -block[2])]
    others = [blocks[ALONE:]] if len(blocks) > ALONE else []
    for chosen in [*([one] for one in blocks[:ALONE]), *others]:
        sizes = [gradient.size for gradient, _ in chosen]
        for gradient, whole in chosen:
            gradient.size = whole
        if lay_out(buffers, order) > room:
            for (gradient, _), size in zip(chosen, sizes):
                gradient.size = size
    return lay_out(buffers, order)


def kept_gradients(schedule: Schedule) -> dict[str, bool]:
    """Each layer whose gradient is formed in blocks, the lowest first: whether all is kept."""
    return {name: gradient.size == whole for name, gradient, whole in _in_blocks(schedule)[::-1]}


def _in_blocks(schedule: Schedule) -> list[tuple[str, Buffer, int]]:
    """Layers of whose gradient a part is formed at once, its buffer, and its whole size."""
    stages = [stage for stage in schedule.stages if stage.kernel.forms]
    return [
        (layer.name, stage.buffers["gradient"], 4 * layer.rows * (layer.row_size + 1))
        for stage in stages if isinstance(layer := stage.layer, WeightedLayer)
    ]
