"""What convolutions and dense layers share: weights, biases, and how sums become int8.

Matrix products go through float64, which is exact because every sum stays below 2**53
(``docs/numerics.md`` section 8).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgetune.learn.fixedpoint import multiply_by_quantized_multiplier
from edgetune.learn.program import Activation, Layer

BIAS_INPUT = 64  # the constant input of the bias column, RULE X0


@dataclass(eq=False)
class WeightedLayer(Layer):
    """A layer with weights and biases.

    ``weights`` int8 in TFLite's order, ``bias`` int32 [out], ``multiplier`` and ``shift``
    int32 [out] (requantisation), ``ratio`` uint16 [out]: weight scale over the largest one in
    Q15, or None where one scale serves all channels.  ``weight_scale``: the largest one.  Zeros
    stand in for a bias that the model lacks; a trained one is added to its file.
    """

    weights: np.ndarray
    bias: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray
    ratio: np.ndarray | None
    weight_scale: float
    input_zero_point: int
    output_zero_point: int
    activation_min: int
    activation_max: int

    weighted = True

    @property
    def rows(self) -> int:
        """Number of output channels."""
        return len(self.bias)

    @property
    def row_size(self) -> int:
        """Weights of one output channel."""
        return self.weights.size // self.rows

    def by_row(self, weights: np.ndarray) -> np.ndarray:
        """``weights``, or anything of their shape, as [rows, row_size]; a view."""
        return weights.reshape(self.rows, -1)

    def gradient(self, e: np.ndarray, x: np.ndarray) -> np.ndarray:
        """int64 [rows, row_size + 1]: row o holds output channel o's weights in their order,
        and its bias last, whose input is the constant `BIAS_INPUT`."""
        raise TypeError(f"{self.kind} has no gradient")

    def bias_gradient(self, e: np.ndarray) -> np.ndarray:
        """The last column of `gradient` alone, [rows, 1]: it needs no input."""
        return e.reshape(-1, self.rows).sum(axis=0)[:, None] * BIAS_INPUT

    def input_unit(self, operand, xs, y: Activation) -> float:
        """M of the channel of the largest scale; also the unit of `gradient`."""
        return xs[0].scale * self.weight_scale / y.scale

    def requantize(self, acc: np.ndarray) -> np.ndarray:
        """int8 values of the sums of products ``acc`` [..., out]."""
        acc = acc + self.bias.astype(np.int64)
        y = multiply_by_quantized_multiplier(acc, self.multiplier, self.shift)
        return np.clip(y + self.output_zero_point, self.activation_min, self.activation_max)


def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The exact product of two integer matrices."""
    return (a.astype(np.float64) @ b.astype(np.float64)).astype(np.int64)


def with_bias(gradient: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Append the bias column to [rows, row_size]; ``rows`` are the errors [rows, positions]."""
    return np.concatenate([gradient, rows.sum(axis=1, keepdims=True) * BIAS_INPUT], axis=1)
