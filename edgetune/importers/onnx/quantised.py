"""Nodes of files that are quantised already: their values become real again.

A QuantizeLinear with a DequantizeLinear behind it says where an activation is rounded; conversion
finds its own places by samples.  What is kept is the clamp: quantisers leave a Relu out where the
quantised range begins at zero.  Where a scale is found as the model runs (dynamic quantisation)
nothing is kept.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgetune.importers.onnx.builder import Builder
from edgetune.importers.onnx.layers import conv, matmul
from edgetune.importers.onnx.node import Node
from edgetune.importers.onnx.signs import never_negative
from edgetune.importers.onnx.values import Unsupported, Value, constant

DYNAMIC_ZERO = constant(np.uint8(0))  # the zero point of what was quantised as the model runs


def quantise(builder: Builder, node: Node) -> Value:
    """The value itself, not below zero where the quantised range begins there."""
    x, scale = node.activation(), node.weights(1, "the scale")
    zero_point = node.data(2, "the zero point") if node.operand(2) else np.zeros(1, np.uint8)
    bounds = np.iinfo(zero_point.dtype)
    if scale.size != 1 or (zero_point != bounds.min).any():
        return x
    if never_negative(builder, x.tensor, inputs=True):  # they are as they come
        return x
    top = float(scale.reshape(-1)[0]) * (bounds.max - bounds.min)
    return builder.unary("RELU6" if abs(top - 6) < 6 / 255 else "RELU", x)


def dequantise(builder: Builder, node: Node) -> Value:
    return node.activation()


def quantise_dynamically(builder: Builder, node: Node) -> list[Value]:
    """The value itself with a scale of one: what divides by the scale and multiplies by it again
    computes the same."""
    return [node.activation(), constant(np.float32(1)), DYNAMIC_ZERO]


def convolve_integers(builder: Builder, node: Node) -> Value:
    return conv(builder, _of_centred_weights(node, 0))


def multiply_integers(builder: Builder, node: Node) -> Value:
    return matmul(builder, _of_centred_weights(node, -1))


def _of_centred_weights(node: Node, axis: int) -> Node:
    """``node`` with weights from which the zero point is taken, that of the values along
    ``axis`` where there are many."""
    if node.operand(2) is not DYNAMIC_ZERO:
        raise Unsupported("integers that are not those of a DynamicQuantizeLinear")
    weights, zero_point = node.weights(1, "the weights"), np.zeros(1, np.float32)
    if node.operand(3) is not None:
        zero_point = node.weights(3, "the zero point").reshape(-1)
    shape = [1] * weights.ndim
    shape[axis] = zero_point.size
    return replace(node, operands=[node.operand(0), constant(weights - zero_point.reshape(shape))])
