"""FULLY_CONNECTED."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.lowerings import lowers
from edgetune.learn.operators.conv_2d import Conv2D
from edgetune.learn.operators.weighted import BIAS_INPUT, WeightedLayer, matmul, weighted_facts
from edgetune.learn.program import Window
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
    """Over several vectors it is a convolution with a window of one cell."""
    facts, clip = weighted_facts(tensors, op, axis=0)
    place = tensors.place(op, clip)
    if tensors.activations[place[2]].size == facts["weights"].shape[1]:
        tensors.layers.append(FullyConnected(*place, **facts))
        return
    source, result = (tensors.activations[i] for i in place[2:])
    result.shape = (*source.shape[:2], result.shape[2])  # also where the file lays out rows
    window = Window((1, 1), (1, 1), (0, 0))
    facts["weights"] = facts["weights"][:, None, None]
    tensors.layers.append(Conv2D(*place, **facts, window=window))
