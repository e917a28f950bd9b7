"""Instructions of a training step, stage by stage, foretold from the loops it makes."""

from __future__ import annotations

from edgetune.dataclass import dataclass
from edgetune.plan.cost_table import CostTable, not_measured
from edgetune.plan.features import features
from edgetune.plan.plan import Plan
from edgetune.plan.workload import observe

STEP = "step"  # in the table: what a step costs beside its stages


@dataclass(frozen=True)
class StageCost:
    """``layer``: name, or the loss function's; instructions of one training step."""

    layer: str
    phase: str
    instructions: float


def count_instructions(plan: Plan, table: CostTable) -> list[StageCost]:
    """One row a stage, on inputs without zeros, as `bench` counts them; the step's own last."""
    seen = observe(plan)
    rows = [
        StageCost(s.layer.name if s.layer else s.call, s.phase,
                  _cost(table, *features(plan, s, seen)))
        for s in plan.schedule.stages
    ]
    return [*rows, StageCost(STEP, STEP, _cost(table, STEP, step_features(plan)))]


def step_features(plan: Plan) -> dict[str, float]:
    """Of what a step costs beside its stages."""
    return {"calls": 1, "stages": len(plan.schedule.stages), "classes": plan.output_bytes}


def _cost(table: CostTable, name: str, found: dict[str, float]) -> float:
    if name not in table.instructions:
        raise not_measured(f"{name} on {table.core}")
    costs = table.instructions[name]
    return sum(count * costs.get(feature, 0) for feature, count in found.items())
