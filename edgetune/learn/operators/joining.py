"""What ADD, SUB and MUL share: a second operand that repeats, and one requantisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgetune.learn.fixedpoint import multiply_by_quantized_multiplier
from edgetune.learn.program import Layer, Shape


@dataclass(eq=False)
class JoiningLayer(Layer):
    """Activation ``other`` repeats where it is the smaller one."""

    other: int
    multiplier: int
    shift: int
    output_zero_point: int
    activation_min: int
    activation_max: int

    @property
    def inputs(self) -> tuple[int, ...]:
        return self.input, self.other

    def finish(self, acc: np.ndarray, out_shape: Shape) -> np.ndarray:
        """int8 values of the sums or products ``acc``."""
        y = multiply_by_quantized_multiplier(acc, self.multiplier, self.shift)
        y = np.clip(y + self.output_zero_point, self.activation_min, self.activation_max)
        return y.reshape(out_shape)


def gathered(v: np.ndarray, operand: int, x: np.ndarray) -> np.ndarray:
    """``v``, of the shape of the first operand, in the shape of operand ``x``: of the second
    one the sum over its repetitions."""
    if operand == 0:
        return v.reshape(x.shape)
    return v.reshape(-1, x.size).sum(axis=0).reshape(x.shape)


def repeated(other: np.ndarray, x: np.ndarray) -> np.ndarray:
    """``other`` over and over, in the shape of ``x``."""
    return np.resize(other, x.size).reshape(x.shape)
