"""PRELU with slopes that the model brings; they do not train."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from edgetune.learn.lowerings import lowers
from edgetune.learn.operators.joining import shortest_period
from edgetune.learn.program import Layer
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator

SLOPE_BITS = 14  # as a function's: the steepest is 2**14


@dataclass(eq=False)
class Prelu(Layer):
    """``slopes`` int8, which repeat; ``zero_points`` of input, slopes and output; ``above`` and
    ``below`` are multiplier and shift from zero on and below.

    ``derivatives`` int16: the real slopes over ``unit``, and ``one`` likewise.
    """

    slopes: np.ndarray
    zero_points: tuple[int, int, int]
    above: tuple[int, int]
    below: tuple[int, int]
    derivatives: np.ndarray
    one: int
    unit: float

    kind = "prelu"
    by_value = True
    error_reads_input = True

    def forward(self, xs, out_shape):
        start, zero, end = self.zero_points
        x = xs[0].reshape(-1) - start
        slopes = np.resize(self.slopes.astype(np.int64) - zero, x.size)
        above = multiply_by_quantized_multiplier(x, *self.above)
        below = multiply_by_quantized_multiplier(x * slopes, *self.below)
        return np.clip(np.where(x >= 0, above, below) + end, -128, 127).reshape(out_shape)

    def input_error(self, operand, e, xs):
        x = xs[0].reshape(-1)
        slopes = np.resize(self.derivatives.astype(np.int64), x.size)
        slopes = np.where(x >= self.zero_points[0], self.one, slopes)
        return (e.reshape(-1) * slopes).reshape(xs[0].shape)

    def input_unit(self, operand, xs, y):
        return self.unit * xs[0].scale / y.scale


@lowers("PRELU")
def _prelu(tensors: Tensors, op: Operator) -> None:
    (one, start), (slope, zero), (to, end) = (tensors.grid(i) for i in (*op.inputs, op.outputs[0]))
    x, given = (tensors.graph.tensors[i] for i in op.inputs)
    slopes = shortest_period(np.broadcast_to(given.values, x.shape))
    real = slope * (slopes.astype(np.int64) - zero)
    unit = max(1.0, float(np.abs(real).max())) / 2**SLOPE_BITS
    tensors.layers.append(Prelu(
        *tensors.place(op), slopes, (start, zero, end),
        quantize_multiplier(one / to), quantize_multiplier(one * slope / to),
        np.rint(real / unit).astype(np.int16), round(1 / unit), unit,
    ))
