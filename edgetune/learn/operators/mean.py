"""MEAN."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from edgetune.learn.lowerings import lowers
from edgetune.learn.operators.reduction import Reduction, reduced
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator


@dataclass(eq=False)
class Mean(Reduction):
    """Requantised: the multiplier includes 1 / count."""

    multiplier: int
    shift: int
    input_zero_point: int
    output_zero_point: int

    kind = "mean"

    def forward(self, xs, out_shape):
        total = (self.gathered(xs[0]) - self.input_zero_point).sum(axis=2)  # [outer, inner]
        y = multiply_by_quantized_multiplier(total, self.multiplier, self.shift)
        return np.clip(y + self.output_zero_point, -128, 127).reshape(out_shape)

    def input_error(self, operand, e, xs):
        each = np.repeat(e.reshape(-1), self.count)
        return self.scattered(each).reshape(xs[0].shape)

    def input_unit(self, operand, xs, y):
        return xs[0].scale / y.scale / self.count


def mean_multiplier(real: float, count: int) -> tuple[int, int]:
    """Multiplier and shift for ``real / count``, the division rounded down as TFLite does."""
    multiplier, shift = quantize_multiplier(real)
    room = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << room) // count, shift - room


@lowers("MEAN")
def _mean(tensors: Tensors, op: Operator) -> None:
    lengths = reduced(tensors, op)
    real = tensors.scale(op.inputs[0]) / tensors.scale(op.outputs[0])
    pair = mean_multiplier(real, lengths[1] * lengths[3])
    zero_points = tensors.zero_point(op.inputs[0]), tensors.zero_point(op.outputs[0])
    tensors.layers.append(Mean(*tensors.place(op), *lengths, *pair, *zero_points))
