"""SELECT_V2 by the comparison of two operands, which runs inside a chain alone."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.fixedpoint import quantize_multiplier
from edgetune.learn.lowerings import lowers
from edgetune.learn.operators.add import Term
from edgetune.learn.program import Layer
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator

LEFT_SHIFT = 8  # of the operands compared, in real units


@dataclass(eq=False)
class Select(Layer):
    """The third operand where the first is greater than the second, else the fourth."""

    others: tuple[int, int, int]
    terms: tuple[Term, Term]

    @property
    def inputs(self) -> tuple[int, ...]:
        return self.input, *self.others

    def forward(self, xs, out_shape):
        one, other = (term.of(x) for term, x in zip(self.terms, xs))
        return np.broadcast_to(np.where(one > other, xs[2], xs[3]), out_shape)


@lowers("SELECT_V2")
def _select(tensors: Tensors, op: Operator) -> None:
    one, other = (
        Term(zero_point, *quantize_multiplier(scale), left=LEFT_SHIFT)
        for scale, zero_point in map(tensors.grid, op.inputs[:2])
    )
    others = [tensors.index(i) for i in op.inputs[1:]]
    tensors.layers.append(
        Select(*tensors.place(op), (others[0], others[1], others[2]), (one, other))
    )
