"""Element by element of two operands, in any shapes that broadcast.

A constant operand comes as a batch of one.
"""

from __future__ import annotations

import numpy as np

from .layer import Layer


class Arithmetic(Layer):
    """Puts the operands on one rank on the way up, and their gradients back on the way down."""

    def forward(self, a, b):
        self.given = a.shape, b.shape
        rank = max(a.ndim, b.ndim)
        self.a, self.b = aligned(a, rank), aligned(b, rank)
        return self.combine(self.a, self.b)

    def backward(self, dy):
        parts = zip(self.slopes(dy), (self.a, self.b), self.given, strict=True)
        return tuple(summed(d, x.shape).reshape(shape) for d, x, shape in parts)

    def combine(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def slopes(self, dy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The gradients by both operands, of ``dy``'s shape."""
        raise NotImplementedError


class Add(Arithmetic):
    def combine(self, a, b):
        return a + b

    def slopes(self, dy):
        return dy, dy


class Subtract(Arithmetic):
    def combine(self, a, b):
        return a - b

    def slopes(self, dy):
        return dy, -dy


class Multiply(Arithmetic):
    def combine(self, a, b):
        return a * b

    def slopes(self, dy):
        return dy * self.b, dy * self.a


class SquaredDifference(Arithmetic):
    def combine(self, a, b):
        return (a - b) ** 2

    def slopes(self, dy):
        slope = 2 * dy * (self.a - self.b)
        return slope, -slope


class Extreme(Arithmetic):
    """MAXIMUM and MINIMUM: the gradient goes to the chosen operand, the first of equals."""

    def __init__(self, largest: bool):
        self.sign = 1 if largest else -1

    def combine(self, a, b):
        self.first = self.sign * a >= self.sign * b
        return np.where(self.first, a, b)

    def slopes(self, dy):
        return dy * self.first, dy * ~self.first


class Prelu(Arithmetic):
    """The second operand holds the slopes where the first is negative."""

    def combine(self, a, b):
        return np.where(a < 0, a * b, a)

    def slopes(self, dy):
        return dy * np.where(self.a < 0, self.b, 1), dy * np.where(self.a < 0, self.a, 0)


def aligned(x: np.ndarray, rank: int) -> np.ndarray:
    """``x`` (n, ...) with ones behind the batch, so that it has ``rank`` dimensions."""
    return x.reshape(len(x), *(1,) * (rank - x.ndim), *x.shape[1:])


def summed(d: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """``d`` summed over the axes along which ``shape`` was repeated."""
    axes = tuple(i for i, (n, m) in enumerate(zip(d.shape, shape, strict=True)) if n != m)
    return d.sum(axis=axes, keepdims=True) if axes else d
