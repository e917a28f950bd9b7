"""Weights as int8 and biases as int32."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.errors import ModelError
from edgetune.model.graph import Quantization
from edgetune.model.scales import MAX_MULTIPLIER

LARGEST_BIAS = 2.0**30  # leaves the accumulator room for the products
LEAST_FACTOR = 2.0**-24  # input scale * weight scale / output scale; below, all is lost
CHANNEL_AXIS = {  # dense layers have one scale
    "CONV_2D": 0, "TRANSPOSE_CONV": 0, "DEPTHWISE_CONV_2D": 3,
}


@dataclass(frozen=True)
class QuantizedWeights:
    """``weights`` int8 in [-127, 127] and ``bias`` int32 with their quantisations."""

    weights: np.ndarray
    weights_scale: Quantization
    bias: np.ndarray
    bias_scale: Quantization

    @property
    def real_weights(self) -> np.ndarray:
        """What the int8 weights stand for, float32."""
        return dequantize(self.weights, self.weights_scale)

    @property
    def real_bias(self) -> np.ndarray:
        return dequantize(self.bias, self.bias_scale)


def dequantize(values: np.ndarray, q: Quantization) -> np.ndarray:
    """Real values of a tensor whose zero point is 0, float32."""
    shape = [1] * values.ndim
    if q.per_channel:
        shape[q.axis] = -1
    return (values.astype(np.float64) * q.scale.reshape(shape)).astype(np.float32)


def along_input(kind: str, weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """``values``, one an input channel, in the places of the ``weights`` that read it; a dense
    layer may read several images' worth."""
    depth = weights.shape[-1]
    if kind == "DEPTHWISE_CONV_2D":
        return np.repeat(values, depth // len(values))
    if len(values) <= depth:
        return np.tile(values, depth // len(values))
    groups = values.reshape(-1, 1, 1, depth)
    return np.repeat(groups, len(weights) // len(groups), axis=0)


def quantize_weights(
    kind: str,
    weights: np.ndarray,
    bias: np.ndarray,
    input_scale: float,
    output_scale: float,
) -> QuantizedWeights:
    """Symmetric weights, one scale a channel but for dense layers, and the bias to go with them.

    A bias has the scale input scale * weight scale.  Where that would put it beyond int32 (a
    channel of tiny weights behind a large batch-norm offset) the weight scale is enlarged.

    Raises:
        ModelError: weights so large that no int8 kernel could bring their sums to the output.
    """
    axis = CHANNEL_AXIS.get(kind)
    others = tuple(i for i in range(weights.ndim) if i != axis)
    largest = np.abs(weights).max(axis=None if axis is None else others).astype(np.float64)
    offset = np.abs(bias).astype(np.float64)
    if axis is None:
        offset = offset.max()
    scale = np.atleast_1d(largest) / 127
    scale = np.maximum(scale, offset / (LARGEST_BIAS * input_scale))
    scale = np.maximum(scale, LEAST_FACTOR * output_scale / input_scale)
    if scale.max() * input_scale / output_scale >= MAX_MULTIPLIER:
        raise ModelError(
            "A layer's weights are too large for what it puts out.",
            f"A {kind} has weights up to {largest.max():.3g} and an output of "
            f"{output_scale:.3g} a step.",
            "Check that the file is whole and the model trained.",
        )
    scale = scale.astype(np.float32).astype(np.float64)
    shape = [1] * weights.ndim
    if axis is not None:
        shape[axis] = -1
    q = np.clip(np.rint(weights / scale.reshape(shape)), -127, 127).astype(np.int8)
    bias_scale = (input_scale * scale).astype(np.float32).astype(np.float64)
    return QuantizedWeights(
        q, _symmetric(scale, axis or 0),
        np.rint(bias / bias_scale).astype(np.int32), _symmetric(bias_scale, 0),
    )


def _symmetric(scale: np.ndarray, axis: int) -> Quantization:
    return Quantization(scale, np.zeros(len(scale), np.int64), axis)
