"""Instructions of the engine's functions on one core, fitted to benches in the emulator."""

from __future__ import annotations

import numpy as np

from edgetune.plan.features import features
from edgetune.plan.instructions import STEP, step_features
from edgetune.plan.plan import Plan
from edgetune.plan.workload import observe
from edgetune.session.bench import BenchResult
from tools.calibration.fit import fit


def instruction_costs(benches: list[tuple[Plan, BenchResult]]) -> dict:
    """Engine function -> feature -> instructions."""
    rows: dict[str, list[tuple[dict, float]]] = {}
    for plan, result in benches:
        seen = observe(plan)
        for stage, (_, _, count) in zip(plan.schedule.stages, result.stages):
            name, found = features(plan, stage, seen)
            rows.setdefault(name, []).append((found, count))
        rest = result.step - sum(count for _, _, count in result.stages)
        rows.setdefault(STEP, []).append((step_features(plan), rest))
    return {name: _fit(found) for name, found in sorted(rows.items())}


def rows_of(plan: Plan) -> set[str]:
    """The rows of the table that ``plan`` looks up."""
    return {STEP} | {features(plan, stage, {})[0] for stage in plan.schedule.stages}


def _fit(rows: list[tuple[dict, float]]) -> dict[str, float]:
    return fit([row for row, _ in rows], np.array([count for _, count in rows]))


def errors(costs: dict, benches) -> dict[str, float]:
    """Largest relative error of each function over the benches it was fitted to."""
    worst: dict[str, float] = {}
    for plan, result in benches:
        seen = observe(plan)
        for stage, (_, _, count) in zip(plan.schedule.stages, result.stages):
            name, found = features(plan, stage, seen)
            told = sum(costs[name].get(key, 0) * value for key, value in found.items())
            worst[name] = max(worst.get(name, 0.0), abs(told / max(count, 1) - 1))
    return worst

