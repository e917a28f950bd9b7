"""MUL."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.lowerings import lowers
from edgetune.learn.operators.joining import (
    JoiningLayer,
    gathered,
    large_first,
    place_and_tail,
    repeated,
)
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator


@dataclass(eq=False)
class Mul(JoiningLayer):
    """The product of two operands."""

    zero_points: tuple[int, int]

    kind = "mul"
    by_value = True

    def forward(self, xs, out_shape):
        x, other = xs
        acc = (x - self.zero_points[0]) * (repeated(other, x) - self.zero_points[1])
        return self.finish(acc, out_shape)

    def error_operands(self, operand):
        return operand, 1 - operand

    def input_error(self, operand, e, xs):
        """e times the other operand."""
        other = xs[1 - operand] - self.zero_points[1 - operand]
        return gathered(e * repeated(other, xs[0]).reshape(e.shape), operand, xs[operand])

    def input_unit(self, operand, xs, y):
        return xs[0].scale * xs[1].scale / y.scale


@lowers("MUL")
def _product(tensors: Tensors, op: Operator) -> None:
    order = large_first(tensors, op)
    one, other, output = (
        np.float32(tensors.scale(i)) for i in (*op.inputs, op.outputs[0])
    )
    with np.errstate(under="ignore"):
        scale = float(one * other / output)
    large, small = (tensors.zero_point(op.inputs[i]) for i in order)
    place, tail = place_and_tail(tensors, op, order, scale)
    tensors.layers.append(Mul(*place, *tail, (large, small)))
