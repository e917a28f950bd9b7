"""The integer gradients point where the float gradients point, layer by layer.

The float network's own gradients are held against finite differences in test_float_net.py.
"""

import sys
from pathlib import Path

import numpy as np
import pytest
from shared_data import digits, load_task

from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.operators import GRADIENT
from edgetune.learn.program import DepthwiseConv2D
from edgetune.learn.recipe import Recipe

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "accuracy"))

from float_net import Network  # noqa: E402


class Watched(Learner):
    """Keeps each layer's gradient instead of stepping."""

    def _update(self, layer, error, exponent, x, anneal):
        self.gradients[layer.name] = GRADIENT[type(layer)](layer, error, x)[:, :-1]
        return 0


def float_rows(layer, float_layer, scales) -> np.ndarray:
    """d loss / d integer weight, [rows, row_size]: the chain rule through the weights' scale."""
    gradient = float_layer.d_weights
    if isinstance(layer, DepthwiseConv2D):
        gradient = gradient.reshape(-1, layer.rows).T
    return gradient.reshape(layer.rows, -1) * np.broadcast_to(scales, layer.rows)[:, None]


def cosines(task, samples: int) -> np.ndarray:
    """Cosine of integer and float gradient, [samples, layers]."""
    program = lower(task.graph)
    learner, network = Watched(program, Recipe()), Network(task.graph)
    quantization = task.graph.input.quantization
    rows = []
    for x, y in zip(task.data.tune_x[:samples], task.data.tune_y[:samples]):
        learner.gradients = {}
        learner.train(x, int(y))
        real = (x.astype(np.float32) - quantization.zero_point[0]) * quantization.scale[0]
        network.step(real.reshape(task.graph.input.shape).astype(np.float32), int(y), 0.0)
        pairs = zip(learner.trained, network.trained)
        rows.append([
            cosine(
                learner.gradients[layer.name],
                float_rows(layer, other, task.graph.tensors[layer.tensors[0]].quantization.scale),
            )
            for layer, other in pairs
        ])
    return np.array(rows)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.reshape(-1).astype(np.float64), b.reshape(-1).astype(np.float64)
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-30))


@pytest.mark.parametrize(("name", "least"), [
    ("digits", 0.98), ("har", 0.98), ("mnist", 0.98), ("kws", 0.96),
])
def test_direction(name, least):
    task = digits() if name == "digits" else load_task(name)
    per_layer = np.median(cosines(task, 15), axis=0)
    assert (per_layer > least).all(), per_layer
