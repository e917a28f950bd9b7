"""MUL."""

from __future__ import annotations

from dataclasses import dataclass

from edgetune.learn.operators.joining import JoiningLayer, repeated


@dataclass(eq=False)
class Mul(JoiningLayer):
    """The product of two operands."""

    zero_points: tuple[int, int]

    kind = "mul"
    passes_errors = False

    def forward(self, xs, out_shape):
        x, other = xs
        acc = (x - self.zero_points[0]) * (repeated(other, x) - self.zero_points[1])
        return self.finish(acc, out_shape)
