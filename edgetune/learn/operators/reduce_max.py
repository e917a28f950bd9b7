"""REDUCE_MAX: input and output have one scale."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.lowerings import lowers
from edgetune.learn.operators.reduction import Reduction, reduced
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator


@dataclass(eq=False)
class ReduceMax(Reduction):
    kind = "reduce_max"
    error_reads_input = True

    def forward(self, xs, out_shape):
        return self.gathered(xs[0]).max(axis=2).reshape(out_shape)

    def input_error(self, operand, e, xs):
        """The error goes to the first of the largest values, in the order of x."""
        cells = self.gathered(xs[0])
        first = cells.argmax(axis=2)[:, :, None]
        routed = np.zeros_like(cells)
        np.put_along_axis(routed, first, e.reshape(first.shape), axis=2)
        return self.scattered(routed).reshape(xs[0].shape)

    def input_unit(self, operand, xs, y):
        return 1.0


@lowers("REDUCE_MAX")
def _reduce_max(tensors: Tensors, op: Operator) -> None:
    tensors.layers.append(ReduceMax(*tensors.place(op), *reduced(tensors, op)))
