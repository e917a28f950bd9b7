"""ADD and SUB."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgetune.learn.fixedpoint import multiply_by_quantized_multiplier
from edgetune.learn.operators.joining import JoiningLayer, gathered, repeated


@dataclass(frozen=True)
class Term:
    """One operand of a sum, on the sum's scale: ``sign * multiply((x - zero_point) << 20)``."""

    zero_point: int
    multiplier: int
    shift: int
    sign: int = 1

    def of(self, x: np.ndarray) -> np.ndarray:
        shifted = (x - self.zero_point) << 20
        return self.sign * multiply_by_quantized_multiplier(shifted, self.multiplier, self.shift)


@dataclass(eq=False)
class Add(JoiningLayer):
    """The sum of two terms."""

    terms: tuple[Term, Term]

    kind = "add"

    def forward(self, xs, out_shape):
        x, other = xs
        return self.finish(self.terms[0].of(x) + self.terms[1].of(repeated(other, x)), out_shape)

    def input_error(self, operand, e, xs):
        return gathered(e * self.terms[operand].sign, operand, xs[operand])

    def input_unit(self, operand, xs, y):
        return xs[operand].scale / y.scale
