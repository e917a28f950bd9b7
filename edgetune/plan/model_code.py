"""The generated model.c: how much code its calls are."""

from __future__ import annotations

from collections import Counter

from edgetune.learn.rules import RULES
from edgetune.plan.cost_table import CostTable
from edgetune.plan.plan import Plan


def call_counts(plan: Plan) -> Counter:
    """How often each kind of call is written, and what else model.c holds once a kind."""
    stages = plan.schedule.stages
    rows = {f"{s.layer.kind}_row" for s in stages if s.layer and s.kernel.cost == "update"}
    return Counter(["functions", *rows, *(s.kernel.cost for s in stages)])


def way_of(plan: Plan) -> str:
    """How its rule takes a step, which decides what et_model_train keeps on the stack: "layers" one
    after the other, or "whole", the errors of all measured before the first is updated."""
    return "whole" if RULES[plan.recipe.rule].whole else "layers"


def model_code_bytes(plan: Plan, table: CostTable) -> int:
    """Flash of the functions of model.c that depend on the model."""
    cost = table.model["code"]
    return round(sum(count * cost.get(name, 0) for name, count in call_counts(plan).items()))
