"""FULLY_CONNECTED."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgetune.learn.lowerings import lowers
from edgetune.learn.operators.weighted import BIAS_INPUT, WeightedLayer, matmul, weighted_facts
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator


@dataclass(eq=False)
class FullyConnected(WeightedLayer):
    """Weights [out, in]."""

    kind = "fully_connected"

    def forward(self, xs, out_shape):
        acc = matmul(self.weights, xs[0].reshape(-1) - self.input_zero_point)  # [out]
        return self.requantize(acc).reshape(out_shape)

    def input_error(self, operand, e, xs):
        return matmul(e.reshape(-1), self.weights).reshape(xs[0].shape)

    def gradient(self, e, x):
        """The outer product of the errors and the inputs (the bias one of them)."""
        inputs = np.append(x.reshape(-1) - self.input_zero_point, BIAS_INPUT)
        return np.outer(e.reshape(-1), inputs)


@lowers("FULLY_CONNECTED")
def _fully_connected(tensors: Tensors, op: Operator) -> None:
    facts, clip = weighted_facts(tensors, op, axis=0)
    tensors.layers.append(FullyConnected(*tensors.place(op, clip), **facts))
