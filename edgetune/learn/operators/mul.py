"""MUL."""

from __future__ import annotations

from dataclasses import dataclass

from edgetune.learn.operators.joining import JoiningLayer, gathered, repeated


@dataclass(eq=False)
class Mul(JoiningLayer):
    """The product of two operands."""

    zero_points: tuple[int, int]

    kind = "mul"

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
