"""MEAN over height and width."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgetune.learn.fixedpoint import multiply_by_quantized_multiplier
from edgetune.learn.program import Layer


@dataclass(eq=False)
class Mean(Layer):
    """Requantised: the multiplier includes 1 / (height * width)."""

    multiplier: int
    shift: int
    input_zero_point: int
    output_zero_point: int

    kind = "mean"

    def forward(self, xs, out_shape):
        total = (xs[0] - self.input_zero_point).sum(axis=(0, 1))  # [c]
        y = multiply_by_quantized_multiplier(total, self.multiplier, self.shift)
        return np.clip(y + self.output_zero_point, -128, 127).reshape(out_shape)

    def input_error(self, operand, e, xs):
        return np.broadcast_to(e.reshape(1, 1, -1), xs[0].shape).copy()

    def input_unit(self, operand, xs, y):
        height, width, _ = xs[0].shape
        return xs[0].scale / y.scale / (height * width)
