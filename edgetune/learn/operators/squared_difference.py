"""SQUARED_DIFFERENCE."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from edgetune.learn.lowerings import lowers
from edgetune.learn.operators.add import Term
from edgetune.learn.operators.joining import PairLayer, pair
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator

LEFT_SHIFT = 7  # of the operands, so that their difference's square has 31 bits


@dataclass(eq=False)
class SquaredDifference(PairLayer):
    """Of two terms; ``(multiplier, shift)`` brings their square to the output's scale."""

    terms: tuple[Term, Term]
    multiplier: int
    shift: int
    output_zero_point: int

    kind = "squared_difference"
    by_value = True
    error_reads_input = True

    def forward(self, xs, out_shape):
        square = self._difference(xs) ** 2
        y = multiply_by_quantized_multiplier(square, self.multiplier, self.shift)
        return np.clip(y + self.output_zero_point, -128, 127).reshape(out_shape)

    def _difference(self, xs: Sequence[np.ndarray]) -> np.ndarray:
        one, other = (term.of(x.reshape(-1)) for term, x in zip(self.terms, xs))
        return one + other

    def error_operands(self, operand):
        return operand, 1 - operand

    def input_error(self, operand, e, xs):
        v = e.reshape(-1) * self._difference(xs) * self.terms[operand].sign
        return v.reshape(xs[operand].shape)

    def input_unit(self, operand, xs, y):
        difference = 2 * max(x.scale for x in xs) / 2**LEFT_SHIFT
        return 2 * difference * xs[operand].scale / y.scale


@lowers("SQUARED_DIFFERENCE")
def _squared_difference(tensors: Tensors, op: Operator) -> None:
    scales = [tensors.scale(i) for i in op.inputs]
    twice = 2 * max(scales)
    one, other = (
        Term(tensors.zero_point(i), *quantize_multiplier(scale / twice), sign, LEFT_SHIFT)
        for i, scale, sign in zip(op.inputs, scales, (1, -1))
    )
    scale = twice**2 / ((1 << 2 * LEFT_SHIFT) * tensors.scale(op.outputs[0]))
    tensors.layers.append(SquaredDifference(
        *pair(tensors, op), (one, other), *quantize_multiplier(scale),
        tensors.zero_point(op.outputs[0]),
    ))
