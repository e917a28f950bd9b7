"""What convolutions and dense layers share: weights, biases, and how sums become int8.

Matrix products go through float64, which is exact because every sum stays below 2**53
(``docs/numerics.md`` section 8).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.fixedpoint import (
    channel_ratios,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
)
from edgetune.learn.program import Activation, Layer
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator

BIAS_INPUT = 64  # the constant input of the bias column, RULE X0
MOST_PRODUCT = 255 * 128  # |x - zero_point| * |w|; an error is smaller than either


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
    has_centre = True  # whether a bias can hold the output at any mean of the inputs

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

    def centre(self, x: np.ndarray) -> int:
        """The mean of the layer's input ``x``, int8 values, over its zero point; -255 .. 255.

        About it an update moves the weights: the bias takes back what they change there, so that
        a step does not move all outputs at once.  LeCun et al., *Efficient BackProp* (1998),
        section 4.3, has why inputs should have a mean of zero.
        """
        return (2 * int((x + 128).sum()) + x.size) // (2 * x.size) - 128 - self.input_zero_point

    def input_unit(self, operand: int, xs: Sequence[Activation], y: Activation) -> float:
        """M of the channel of the largest scale; also the unit of `gradient`."""
        return xs[0].scale * self.weight_scale / y.scale

    def requantize(self, acc: np.ndarray) -> np.ndarray:
        """int8 values of the sums of products ``acc`` [..., out]."""
        acc = acc + self.bias.astype(np.int64)
        y = multiply_by_quantized_multiplier(acc, self.multiplier, self.shift)
        return np.clip(y + self.output_zero_point, self.activation_min, self.activation_max)


def exact(terms: int) -> type[np.floating]:
    """Floats that hold any sum of so many products of two of inputs, weights and errors."""
    return np.float32 if terms * MOST_PRODUCT < 2**24 else np.float64


def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The exact product of two integer matrices, each of inputs, weights or errors, by floats
    wide enough for its largest sum."""
    kind = exact(a.shape[-1])
    if kind is np.float64 and a.shape[-1] * _magnitude(a) * _magnitude(b) < 2**24:
        kind = np.float32
    return (a.astype(kind) @ b.astype(kind)).astype(np.int64)


def _magnitude(values: np.ndarray) -> int:
    return max(int(values.max(initial=0)), -int(values.min(initial=0)))


def with_bias(gradient: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Append the bias column to [rows, row_size]; ``rows`` are the errors [rows, positions]."""
    return np.concatenate([gradient, rows.sum(axis=1, keepdims=True) * BIAS_INPUT], axis=1)


def about(gradient: np.ndarray, centre: int) -> np.ndarray:
    """A `WeightedLayer.gradient`, int64 [rows, row_size + 1], where inputs count from ``centre``,
    -255 .. 255, over the zero point on: the derivative by the weights where the bias holds the
    output at the centre."""
    of_errors = gradient[:, -1:] // BIAS_INPUT
    return np.concatenate([gradient[:, :-1] - centre * of_errors, gradient[:, -1:]], axis=1)


def weighted_facts(tensors: Tensors, op: Operator, axis: int) -> tuple[dict, tuple[int, int]]:
    """The arithmetic of a weighted operator, whose output channels lie along ``axis``."""
    weights = tensors.graph.tensors[op.inputs[1]]
    rows = weights.shape[axis]
    bias = op.inputs[2] if len(op.inputs) > 2 else -1
    scales = np.broadcast_to(weights.grid.scale, rows)
    effective = _products(tensors, op, scales) / tensors.scale(op.outputs[0])
    pairs = np.array([quantize_multiplier(float(m)) for m in effective], np.int32)
    low, high, clip = tensors.range(op)
    return dict(
        weights=weights.values.copy(),
        bias=_bias(tensors, bias, rows),
        multiplier=pairs[:, 0],
        shift=pairs[:, 1],
        ratio=channel_ratios(pairs[:, 0], pairs[:, 1]),
        weight_scale=float(scales.max()),
        input_zero_point=tensors.zero_point(op.inputs[0]),
        output_zero_point=tensors.zero_point(op.outputs[0]),
        activation_min=low,
        activation_max=high,
    ), clip


def _products(tensors: Tensors, op: Operator, scales: np.ndarray) -> np.ndarray:
    """Input scale * weight scale in doubles; the reference kernel of a dense layer with one
    scale multiplies in float32."""
    products = tensors.scale(op.inputs[0]) * scales
    weights = tensors.graph.tensors[op.inputs[1]]
    if op.kind == "FULLY_CONNECTED" and not weights.grid.per_channel:
        return products.astype(np.float32).astype(np.float64)
    return products


def _bias(tensors: Tensors, bias: int, rows: int) -> np.ndarray:
    if bias < 0:
        return np.zeros(rows, np.int32)
    return tensors.graph.tensors[bias].values.reshape(-1).copy()
