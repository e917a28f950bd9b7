"""What an update is told: where its memory lies in the arena, and what forms its gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from edgetune.learn import operators as p
from edgetune.plan.c_data import CObject, Pointer, Scalar, struct
from edgetune.plan.constants.layer import U32

if TYPE_CHECKING:
    from edgetune.plan.schedule import Buffer, Stage

MEMORY = struct(
    "et_update_scratch", (Pointer("int32_t"), "gradient"), (Pointer("uint64_t"), "row_mass"),
    (Pointer("uint16_t"), "row_hits"),
)
BLOCKS = struct(
    "et_blocks", (Scalar("et_block_gradient", 4), "form"), (Pointer("const void"), "layer"),
    (Pointer("void"), "scratch"), (U32, "rows"),
)


def update_constants(stages: Iterable[Stage]) -> list[CObject]:
    """Those of all updates among ``stages``, in their order."""
    found = []
    for stage in stages:
        if "gradient" not in stage.buffers:
            continue
        if stage.kernel.forms:
            found.append(CObject(blocks_name(stage), BLOCKS, _blocks(stage)))
        memory = {name: _place(stage.buffers.get(name), ctype.target)
                  for name, ctype in MEMORY.members if isinstance(ctype, Pointer)}
        found.append(CObject(memory_name(stage), MEMORY, memory, _sizes(stage)))
    return found


def memory_of(stage: Stage) -> list[Buffer]:
    """What an update has of the arena for itself; nothing of another stage."""
    roles = *MEMORY.offsets, "scratch"
    own = "gradient" in stage.buffers
    return [stage.buffers[role] for role in roles if own and role in stage.buffers]


def _sizes(stage: Stage) -> str:
    sizes = ", ".join(str(buffer.size) for buffer in memory_of(stage))
    return f"{sizes} bytes, stage {stage.buffers['gradient'].first}"


def memory_name(stage: Stage) -> str:
    """The constant that says where the memory of the update ``stage`` lies."""
    return f"{stage.buffers['gradient'].name}_memory"


def blocks_name(stage: Stage) -> str:
    """The one of what forms its gradient's rows in blocks."""
    return f"{stage.buffers['gradient'].name}_blocks"


def _blocks(stage: Stage) -> dict:
    """What forms a gradient's rows, and how many of them the buffer holds."""
    layer, buffers = stage.layer, stage.buffers
    assert isinstance(layer, p.WeightedLayer)
    return {
        "form": stage.kernel.forms, "layer": f"&{layer.name}",
        "scratch": f"arena + {buffers['scratch'].offset}",
        "rows": buffers["gradient"].size // (4 * (layer.row_size + 1)),
    }


def _place(buffer: Buffer | None, ctype: str) -> str | int:
    """An address that a constant can hold."""
    return f"({ctype} *)(void *)(arena + {buffer.offset})" if buffer else 0
