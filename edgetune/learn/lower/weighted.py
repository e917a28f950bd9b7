"""Lowering of convolutions and dense layers."""

from __future__ import annotations

import numpy as np

from edgetune.learn import operators as p
from edgetune.learn.fixedpoint import quantize_multiplier
from edgetune.learn.lower.spatial import window_of
from edgetune.learn.lower.tensors import Tensors
from edgetune.model.graph import Operator


def _weights(tensors: Tensors, op: Operator, axis: int) -> tuple[dict, tuple[int, int]]:
    """The arithmetic of a weighted operator, whose output channels lie along ``axis``."""
    weights = tensors.graph.tensors[op.inputs[1]]
    rows = weights.shape[axis]
    bias = op.inputs[2] if len(op.inputs) > 2 else -1
    scales = np.broadcast_to(weights.grid.scale, rows)
    effective = _products(tensors, op, scales) / tensors.scale(op.outputs[0])
    pairs = np.array([quantize_multiplier(float(m)) for m in effective], np.int32)
    low, high, clip = tensors.range(op)
    ratio = np.floor(2**15 * (scales / scales.max()) + 0.5).astype(np.uint16)
    return dict(
        weights=weights.values.copy(),
        bias=_bias(tensors, bias, rows),
        multiplier=pairs[:, 0],
        shift=pairs[:, 1],
        ratio=ratio if (ratio != 2**15).any() else None,
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
    return tensors.graph.tensors[bias].values.copy() if bias >= 0 else np.zeros(rows, np.int32)


def _conv_2d(tensors: Tensors, op: Operator) -> None:
    facts, clip = _weights(tensors, op, axis=0)
    window = window_of(tensors, op, facts["weights"].shape[1:3])
    kind = p.Conv2D if window.dilation == (1, 1) else p.DilatedConv2D
    tensors.layers.append(kind(*tensors.place(op, clip), **facts, window=window))


def _depthwise_conv_2d(tensors: Tensors, op: Operator) -> None:
    facts, clip = _weights(tensors, op, axis=3)
    facts["weights"] = facts["weights"][0]
    window = window_of(tensors, op, facts["weights"].shape[:2])
    kind = p.DepthwiseConv2D if window.dilation == (1, 1) else p.DilatedDepthwiseConv2D
    channels = tensors.activation(op.inputs[0]).shape[2]
    multiplicity = facts["weights"].shape[2] // channels
    layer = kind(*tensors.place(op, clip), **facts, window=window, multiplicity=multiplicity)
    tensors.layers.append(layer)


def _fully_connected(tensors: Tensors, op: Operator) -> None:
    facts, clip = _weights(tensors, op, axis=0)
    tensors.layers.append(p.FullyConnected(*tensors.place(op, clip), **facts))


LOWERINGS = {
    "CONV_2D": _conv_2d,
    "DEPTHWISE_CONV_2D": _depthwise_conv_2d,
    "FULLY_CONNECTED": _fully_connected,
}
