"""The same network in float32: the yardstick.

As many steps on the same samples in the same order, from the int8 model's own weights; the rate
falls linearly to zero.
"""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

import numpy as np
from shipped_data import Task

from edgetune.measures.evaluate import evaluate
from edgetune.measures.measure import Measure
from edgetune.model.graph import Graph
from edgetune.session.order import sample_order

sys.path.append(str(Path(__file__).parents[1] / "accuracy"))

from float_net import (  # noqa: E402
    Adam,
    Huber,
    MeanSquaredError,
    Network,
    Reconstruction,
    Sgd,
    SigmoidCrossEntropy,
)

LOSSES = {
    "mse": MeanSquaredError, "huber": Huber, "sigmoid": SigmoidCrossEntropy,
    "reconstruction": Reconstruction,
}  # fmt: skip
CHOICES = [
    *product([Sgd], [1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0]),
    *product([Adam], [3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1]),
]  # optimisers and rates


class InFloat:
    """``graph``: the int8 model.  ``choice``: of `CHOICES`."""

    def __init__(self, task: Task, graph: Graph, choice: tuple[type, float]):
        self.task, self.graph = task, graph
        self.optimizer, self.rate = choice

    def tuned(self, seed: int) -> Measure:
        """What the network is worth on the test set after tuning."""
        task = self.task
        network = Network(self.graph, LOSSES[task.loss](), self.optimizer())
        order = sample_order(len(task.tune_x), None, task.passes, seed)
        with np.errstate(all="ignore"):  # too large a rate may diverge: it just scores badly
            for step, i in enumerate(order):
                target = None if task.tune_y is None else task.tune_y[i : i + 1]
                rate = self.rate * (1 - step / len(order))
                network.step(task.tune_x[i : i + 1], target, rate)
            outputs = network.outputs(task.test_x)
        return evaluate(task.kind, outputs, task.test_y, task.test_x, threshold=0.0)
