"""The work of a training step as far as it depends on values: taken from the simulation.

The cost of a draw depends on how many there are and where they fall.  The numpy engine has the
device's bits, so a few steps of it give these counts exactly.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from edgetune.learn.learner import Learner
from edgetune.learn.operators import BIAS_INPUT, WeightedLayer
from edgetune.plan.plan import Plan

STEPS = 8
PATIENCE = 50_000_000  # weights times positions that may be simulated; then fewer steps are


def nonzero_inputs(plan: Plan, count: int, seed: int = 0) -> np.ndarray:
    """Random int8 inputs [count, input_bytes], none at the zero point."""
    random = np.random.default_rng(seed)
    x = random.integers(-128, 128, (count, plan.input_bytes)).astype(np.int8)
    inputs = [plan.program.activations[i] for i in plan.program.inputs]
    zero = np.repeat([a.zero_point for a in inputs], [a.size for a in inputs])
    return np.where(x == zero, zero + np.where(zero < 127, 1, -1), x).astype(np.int8)


def observe(plan: Plan) -> dict[str, dict[str, float]]:
    """Layer name -> counts, means over the first steps of the bench, in the midst of a run.

    "draws"; "moved": values that had a step; "rows": output channels that were drawn; "walk":
    columns passed on the way to the drawn ones; "errors": share of the output's errors that are
    not zero.
    """
    steps = max(1, min(STEPS, PATIENCE // max(1, _macs(plan))))
    observer = _Observer(plan.program, plan.recipe)
    inputs, target = nonzero_inputs(plan, STEPS)[:steps], plan.program.loss.any_target
    observer.under_way(inputs[0], target(0))
    observer.counts.clear()
    for i, x in enumerate(inputs):
        observer.train(x, target(i))
    return {
        name: {key: total / steps for key, total in counts.items()}
        for name, counts in observer.counts.items()
    }


def _macs(plan: Plan) -> int:
    activations = plan.program.activations
    return sum(
        layer.weights.size * (activations[layer.output].size // layer.rows)
        for layer in plan.program.weighted_layers
    )


class _Observer(Learner):
    def start(self, seed: int, total_steps: int) -> None:
        super().start(seed, total_steps)
        self.counts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))

    def _update(
        self, layer: WeightedLayer, error: np.ndarray, exponent: int, x: np.ndarray
    ) -> int:
        before = _columns(layer)
        draws = super()._update(layer, error, exponent, x)
        steps = np.abs(_columns(layer) - before)
        steps[:, -1] //= BIAS_INPUT
        counts = self.counts[layer.name]
        counts["draws"] += draws
        counts["moved"] += np.count_nonzero(steps)
        counts["rows"] += int(steps.any(axis=1).sum())
        counts["walk"] += _WALKS[self.recipe.draw](steps)
        counts["errors"] += float(np.mean(error != 0))
        return draws


def _walk_in_order(steps: np.ndarray) -> float:
    """Columns ascend, so a row is walked once, to its last draw."""
    return float(np.where(steps > 0, np.arange(steps.shape[1]), 0).max(axis=1).sum())


def _walk_at_random(steps: np.ndarray) -> float:
    """A draw before the last one starts anew: of columns in random order, two thirds of the
    mean column a draw."""
    draws = steps.sum(axis=1)
    mean = (steps * np.arange(steps.shape[1])).sum(axis=1) / np.maximum(draws, 1)
    return float((mean * (1 + 2 / 3 * np.maximum(draws - 1, 0))).sum())


_WALKS = {"systematic": _walk_in_order, "independent": _walk_at_random}


def _columns(layer: WeightedLayer) -> np.ndarray:
    """Weights and bias, [rows, row_size + 1]."""
    weights = layer.by_row(layer.weights)
    return np.concatenate([weights, layer.bias[:, None]], axis=1, dtype=np.int64)
