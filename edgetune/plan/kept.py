"""Gradients that are kept whole where the arena has room for them, and not formed twice."""

from __future__ import annotations

from edgetune.learn.operators import WeightedLayer
from edgetune.plan.arena import lay_out
from edgetune.plan.schedule import Buffer, Schedule


def lay_out_schedule(schedule: Schedule, room: int) -> int:
    """Give all buffers their places; the arena's size in bytes.

    Where a gradient is formed in blocks its buffer grows to all rows, largest layers first, as
    long as the arena takes no more than ``room`` bytes, or than it needs anyway.
    """
    buffers = [buffer for buffer in schedule.buffers if not buffer.outside]
    room = max(room, lay_out(buffers))
    for gradient, whole in sorted(_in_blocks(schedule), key=lambda pair: -pair[1]):
        block, gradient.size = gradient.size, whole
        if lay_out(buffers) > room:
            gradient.size = block
    return lay_out(buffers)


def _in_blocks(schedule: Schedule) -> list[tuple[Buffer, int]]:
    """Gradients of which a part is formed at once, and their whole size."""
    stages = [stage for stage in schedule.stages if stage.kernel.forms]
    return [
        (stage.buffers["gradient"], 4 * stage.layer.rows * (stage.layer.row_size + 1))
        for stage in stages if isinstance(stage.layer, WeightedLayer)
    ]
