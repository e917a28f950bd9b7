"""The forward pass of a plan on its own: for models that only run, and for predictions between the
slices of a step."""

from __future__ import annotations

from dataclasses import replace

from edgetune.plan.arena import lay_out, tight_order
from edgetune.plan.plan import Plan, make_plan
from edgetune.plan.schedule import FRAME, Buffer, Schedule


def forward_plan(plan: Plan, prefix: str = "") -> Plan:
    """``plan`` without what it learns: its forward stages, in an arena of their own, laid out in
    the tightest order that is found.

    All weights are in flash, no loss is worked out, and the sample's frame does not lie in the
    arena.  ``prefix``: of the buffers' names.
    """
    recipe = replace(plan.recipe, layers=("none",), reset=False)
    found = make_plan(
        plan.program.graph, recipe, plan.board, plan.cmsis_nn, savings=plan.savings,
    )
    count = found.schedule.forward_count
    stages = found.schedule.stages[:count]
    used = {id(b): b for stage in stages for b in stage.buffers.values()}
    buffers = [b for b in used.values() if b.name != FRAME]
    inside = [b for b in buffers if not b.outside]
    for buffer in inside:
        buffer.last = min(buffer.last, count - 1)
        buffer.name = prefix + buffer.name
    output_buffer(found).last = count - 1
    schedule = Schedule(stages, buffers, count)
    arena = lay_out(inside, tight_order(inside, room=0))
    return replace(found, schedule=schedule, arena_bytes=arena, state_bytes=0)


def output_buffer(plan: Plan) -> Buffer:
    """Where the forward pass leaves the model's output."""
    program = plan.program
    output = program.storage(program.output)
    layer = [la for la in program.layers if program.storage(la.output) == output][-1]
    stage = next(s for s in plan.schedule.stages if s.layer is layer)
    return stage.buffers["y"]
