"""Instructions of the engine's functions on one core, fitted to benches in the emulator."""

from __future__ import annotations

import re

import numpy as np

from edgetune.learn.draws import DRAWS
from edgetune.learn.rules import RULES
from edgetune.plan.features import features
from edgetune.plan.instructions import STEP, step_features
from edgetune.plan.plan import Plan
from edgetune.plan.workload import observe
from edgetune.session.bench import BenchResult
from tools.calibration.fit import fit

SHARING = (
    "update_window", "update_dense", "update_dilated", "update_by_taps", "update_conv_2d_dsp",
    "update_depthwise_conv_2d_dsp", "update_depthwise_conv_2d_lines",
)
"""The rows of update.c and update_blocks.c, which measure and draw alike and differ in how they
form a gradient."""
SHARED = re.compile("|".join(["magnitudes", *(f"{name}_" for name in (*DRAWS, *RULES))]))


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
    alike = {name: rows.pop(name) for name in SHARING if name in rows}
    costs = {name: _fit(found) for name, found in rows.items()} | _fit_alike(alike)
    return dict(sorted(costs.items()))


def rows_of(plan: Plan) -> set[str]:
    """The rows of the table that ``plan`` looks up."""
    return {STEP} | {features(plan, stage, {})[0] for stage in plan.schedule.stages}


def _fit(rows: list[tuple[dict, float]]) -> dict[str, float]:
    return fit([row for row, _ in rows], np.array([count for _, count in rows]))


def _fit_alike(rows: dict[str, list[tuple[dict, float]]]) -> dict[str, dict[str, float]]:
    """Functions that share what they do with a gradient's rows: one fit, in which the
    features that `SHARED` matches cost the same."""
    together = [
        ({_own(name, feature): count for feature, count in found.items()}, count)
        for name, measured in rows.items() for found, count in measured
    ]
    costs = _fit(together) if together else {}
    return {
        name: {
            feature: costs[key] for feature in sorted({f for found, _ in rows[name] for f in found})
            if (key := _own(name, feature)) in costs
        }
        for name in rows
    }


def _own(name: str, feature: str) -> str:
    return feature if SHARED.match(feature) else f"{name} {feature}"


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

