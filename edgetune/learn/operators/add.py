"""ADD and SUB."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
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

LEFT_SHIFT = 20  # of the operands of a sum


@dataclass(frozen=True)
class Term:
    """One operand of a sum, on the sum's scale: ``sign * multiply((x - zero_point) << left)``."""

    zero_point: int
    multiplier: int
    shift: int
    sign: int = 1
    left: int = LEFT_SHIFT

    def of(self, x: np.ndarray) -> np.ndarray:
        shifted = (x - self.zero_point) << self.left
        return self.sign * multiply_by_quantized_multiplier(shifted, self.multiplier, self.shift)


@dataclass(eq=False)
class Add(JoiningLayer):
    """The sum of two terms."""

    terms: tuple[Term, Term]

    kind = "add"
    by_value = True

    def forward(self, xs, out_shape):
        x, other = xs
        return self.finish(self.terms[0].of(x) + self.terms[1].of(repeated(other, x)), out_shape)

    def input_error(self, operand, e, xs):
        return gathered(e * self.terms[operand].sign, operand, xs[operand])

    def input_unit(self, operand, xs, y):
        return xs[operand].scale / y.scale


@lowers("ADD", "SUB")
def _sum(tensors: Tensors, op: Operator) -> None:
    order = large_first(tensors, op)
    scales = [tensors.scale(i) for i in op.inputs]
    twice = 2 * max(scales)
    signs = (1, -1 if op.kind == "SUB" else 1)
    large, small = (
        Term(tensors.zero_point(op.inputs[i]), *quantize_multiplier(scales[i] / twice), signs[i])
        for i in order
    )
    scale = twice / ((1 << LEFT_SHIFT) * tensors.scale(op.outputs[0]))
    place, tail = place_and_tail(tensors, op, order, scale)
    tensors.layers.append(Add(*place, *tail, (large, small)))
