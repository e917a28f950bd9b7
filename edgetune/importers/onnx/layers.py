"""Convolutions and dense layers."""

from __future__ import annotations

import math

import numpy as np

from edgetune.importers.onnx.builder import Builder, result
from edgetune.importers.onnx.joins import cropped
from edgetune.importers.onnx.node import Node
from edgetune.importers.onnx.values import Unsupported, Value, channels_last
from edgetune.importers.onnx.windows import (
    axes_of,
    options_of,
    same_begin,
    spread_axes_of,
    with_padding,
)


def conv(builder: Builder, node: Node) -> Value:
    x, weights = node.activation(), node.weights(1, "the weights")
    order, groups = channels_last(len(x.shape)), node.attributes.get("group", 1)
    kernel = weights.shape[2:]
    if weights.ndim != len(x.shape) or x.shape[1] != weights.shape[1] * groups:
        raise Unsupported(f"weights {list(weights.shape)} on an input {list(x.shape)}")
    axes = axes_of(node, x.shape[2:], kernel)
    image, padding = with_padding(builder, builder.arranged(x, order), axes)
    options = options_of(axes, padding)
    options.update(dilation_h_factor=axes[0].dilation, dilation_w_factor=axes[1].dilation)
    weights = weights.reshape(*weights.shape[:2], *[a.kernel for a in axes])
    channels = len(weights)
    if channels % groups:
        raise Unsupported(f"{channels} outputs of {groups} groups")
    shape = (1, axes[0].out, axes[1].out, channels)
    y = _convolved(builder, node, image, weights, shape, options)
    space = shape[1:3][-len(kernel):]
    return result(y, (1, channels, *space), order)


def _convolved(
    builder: Builder, node: Node, image: int, weights: np.ndarray, shape, options
) -> int:
    """The operator for weights [o, c / groups, kh, kw]."""
    groups = node.attributes.get("group", 1)
    kind, order = "CONV_2D", (0, 2, 3, 1)
    if groups > 1 and weights.shape[1] == 1:
        kind, order = "DEPTHWISE_CONV_2D", (1, 2, 3, 0)
        options["depth_multiplier"] = len(weights) // groups
    inputs = (image, builder.real("weights", weights.transpose(order)),
              _bias(builder, node, len(weights)))
    return builder.emit(kind, inputs, shape, **options)


def transposed_conv(builder: Builder, node: Node) -> Value:
    """Weights [c, o, ...].  TFLite pads it as ONNX does, or else the first outputs are cut off."""
    x, weights = node.activation(), node.weights(1, "the weights")
    if node.attributes.get("group", 1) != 1:
        raise Unsupported("groups of channels")
    if weights.ndim != len(x.shape) or x.shape[1] != weights.shape[0]:
        raise Unsupported(f"weights {list(weights.shape)} on an input {list(x.shape)}")
    axes = spread_axes_of(node, x.shape[2:], weights.shape[2:])
    channels, order = weights.shape[1], channels_last(len(x.shape))
    as_same = all(axis.begin == same_begin(axis) for axis in axes)
    cut = [0 if as_same else axis.begin for axis in axes]
    shape = (1, *(axis.out + n for axis, n in zip(axes, cut)), channels)
    weights = weights.reshape(*weights.shape[:2], *[axis.kernel for axis in axes])
    inputs = (builder.arranged(x, order), builder.real("weights", weights.transpose(1, 2, 3, 0)),
              _bias(builder, node, channels))
    y = builder.emit("TRANSPOSE_CONV", inputs, shape, output_shape=shape,
                     **options_of(axes, "SAME" if as_same else "VALID"))
    space = len(x.shape) - 2
    whole = result(y, (1, channels, *shape[1:3][-space:]), order)
    ends = [(n, n + axis.out) for axis, n in zip(axes, cut)][-space:]
    return cropped(builder, whole, [range(1), range(channels), *(range(*end) for end in ends)])


def _bias(builder: Builder, node: Node, channels: int, factor: float = 1.0) -> int:
    if node.operand(2) is None:
        return -1
    bias = node.weights(2, "the biases") * np.float32(factor)
    if bias.size not in (1, channels):
        raise Unsupported(f"biases {list(bias.shape)} for {channels} units")
    return builder.real("bias", np.broadcast_to(bias.reshape(-1), channels))


def gemm(builder: Builder, node: Node) -> Value:
    x = node.activation()
    weights = node.weights(1, "the weights") * np.float32(node.attributes.get("alpha", 1.0))
    if weights.ndim != 2:
        raise Unsupported("weights that are no matrix")
    x = x.view(x.places.T) if node.attributes.get("transA", 0) else x
    weights = weights if node.attributes.get("transB", 0) else weights.T
    bias = _bias(builder, node, len(weights), node.attributes.get("beta", 1.0))
    return _dense(builder, x, weights, bias)


def matmul(builder: Builder, node: Node) -> Value:
    x, weights = node.activation(), node.weights(1, "the weights")
    if weights.ndim != 2:
        raise Unsupported("weights that are no matrix")
    return _dense(builder, x, weights.T, -1)


def _dense(builder: Builder, x: Value, weights: np.ndarray, bias: int) -> Value:
    """A dense layer: its weights go where the input's elements stand."""
    if not x.shape or x.shape[-1] != weights.shape[1]:
        raise Unsupported(f"weights {list(weights.shape)} on an input {list(x.shape)}")
    if len(x.shape) != 2 or x.shape[0] != 1:
        return on_every_vector(builder, x, weights, bias)
    moved = np.zeros((len(weights), math.prod(builder.shape(x.tensor))), np.float32)
    np.add.at(moved.T, x.places[0], weights.T)  # an element that repeats takes all its weights
    inputs = (x.tensor, builder.real("weights", moved), bias)
    y = builder.emit("FULLY_CONNECTED", inputs, (1, len(weights)), keep_num_dims=False)
    return result(y, (1, len(weights)), (0, 1))


def on_every_vector(builder: Builder, x: Value, weights: np.ndarray, bias: int) -> Value:
    """Vectors along the last axis; where they lie one under another, [n, c], as cells."""
    cells = x if x.shape[0] == 1 else x.view(x.places[None])
    order = tuple(range(len(cells.shape)))
    image = builder.arranged(cells, order)
    inputs = (image, builder.real("weights", weights), bias)
    shape = (*builder.shape(image)[:-1], len(weights))
    y = builder.emit("FULLY_CONNECTED", inputs, shape, keep_num_dims=True)
    y = result(y, (*cells.shape[:-1], len(weights)), order)
    return y if cells is x else y.view(y.places[0])


def batch_normalisation(builder: Builder, node: Node) -> Value:
    """y = scale * (x - mean) / sqrt(variance + epsilon) + bias, a MUL and an ADD."""
    x = node.activation()
    if not node.attributes.get("spatial", 1):  # of opset 7 and 8
        raise Unsupported("statistics of every element instead of every channel")
    if node.attributes.get("training_mode", 0):
        raise Unsupported("it is in training mode")
    scale, bias, mean, variance = (node.weights(i, "its statistics") for i in range(1, 5))
    if len(x.shape) < 2 or any(v.shape != (x.shape[1],) for v in (scale, bias, mean, variance)):
        raise Unsupported(f"statistics that do not fit the input {list(x.shape)}")
    factor = scale / np.sqrt(variance + np.float32(node.attributes.get("epsilon", 1e-5)))
    order = channels_last(len(x.shape))
    y = builder.arranged(x, order)
    shape = builder.shape(y)
    y = builder.emit("MUL", (y, builder.real("factor", factor)), shape)
    y = builder.emit("ADD", (y, builder.real("offset", bias - mean * factor)), shape)
    return result(y, x.shape, order)
