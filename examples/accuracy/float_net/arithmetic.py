"""ADD, SUB and MUL: one operand may be the other's last dimensions, and repeats.

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


def aligned(x: np.ndarray, rank: int) -> np.ndarray:
    """``x`` (n, ...) with ones behind the batch, so that it has ``rank`` dimensions."""
    return x.reshape(len(x), *(1,) * (rank - x.ndim), *x.shape[1:])


def summed(d: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """``d`` summed over the axes along which ``shape`` was repeated."""
    axes = tuple(i for i, (n, m) in enumerate(zip(d.shape, shape, strict=True)) if n != m)
    return d.sum(axis=axes, keepdims=True) if axes else d
