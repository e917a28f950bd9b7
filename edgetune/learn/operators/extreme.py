"""MAXIMUM and MINIMUM of two operands of one scale."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.lowerings import lowers
from edgetune.learn.operators.joining import PairLayer, pair
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator


@dataclass(eq=False)
class Extreme(PairLayer):
    """The larger one of two values, or with ``sign`` -1 the smaller one."""

    sign: int

    kind = "extreme"
    by_value = True
    error_reads_input = True

    def forward(self, xs, out_shape):
        x, other = (self.sign * values.reshape(out_shape) for values in xs)
        return self.sign * np.maximum(x, other)

    def error_operands(self, operand):
        return operand, 1 - operand

    def input_error(self, operand, e, xs):
        """The error goes to the value that was chosen, the first operand's where both are alike."""
        x, other = (self.sign * xs[i].reshape(e.shape) for i in (operand, 1 - operand))
        won = x >= other if operand == 0 else x > other
        return np.where(won, e, 0).reshape(xs[operand].shape)

    def input_unit(self, operand, xs, y):
        return 1.0


@lowers("MAXIMUM", "MINIMUM")
def _extreme(tensors: Tensors, op: Operator) -> None:
    place = pair(tensors, op)
    tensors.layers.append(Extreme(*place, 1 if op.kind == "MAXIMUM" else -1))
