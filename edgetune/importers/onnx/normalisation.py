"""Normalisation by statistics of the sample itself, in its parts."""

from __future__ import annotations

import numpy as np

from edgetune.importers.onnx.builder import Builder, result
from edgetune.importers.onnx.elementwise import combined, plus
from edgetune.importers.onnx.node import Node
from edgetune.importers.onnx.pools import reduced_over
from edgetune.importers.onnx.values import Unsupported, Value, constant

EPSILON = 1e-5


def instance_normalisation(builder: Builder, node: Node) -> Value:
    """Every channel by its own mean and variance, times a scale, plus a bias."""
    x = node.activation()
    rank = len(x.shape)
    scale, bias = (node.weights(i, "the scale and the bias") for i in (1, 2))
    if rank < 3 or scale.shape != bias.shape or scale.shape != x.shape[1:2]:
        raise Unsupported(f"scales {list(scale.shape)} on an input {list(x.shape)}")
    epsilon = float(node.attributes.get("epsilon", EPSILON))
    y = _normalised(builder, node, x, set(range(2, rank)), epsilon)
    scale, bias = (constant(v.reshape(-1, *[1] * (rank - 2))) for v in (scale, bias))
    y = y if (scale.data == 1).all() else combined(builder, "MUL", y, scale)
    return combined(builder, "ADD", y, bias) if np.any(bias.data) else y


def group_normalisation(builder: Builder, node: Node) -> Value:
    """Groups of channels by their mean and variance, times a scale a channel, plus a bias."""
    x, groups = node.activation(), node.attributes["num_groups"]
    channels, space = x.shape[1], [1] * (len(x.shape) - 2)
    parameters = [node.weights(i, "the scale and the bias") for i in (1, 2)]
    if channels % groups or any(v.shape != (channels,) for v in parameters):
        raise Unsupported(f"{groups} groups of {channels} channels")
    grouped = x.view(x.places.reshape(1, groups, -1))
    epsilon = float(node.attributes.get("epsilon", EPSILON))
    y = _normalised(builder, node, grouped, {2}, epsilon)
    y = y.view(y.places.reshape(x.shape))
    for kind, values in zip(("MUL", "ADD"), parameters):
        y = combined(builder, kind, y, constant(values.reshape(-1, *space)))
    return y


def layer_normalisation(builder: Builder, node: Node) -> Value:
    """The axes from ``axis`` on by their mean and variance, times a scale, plus a bias."""
    x = node.activation()
    axis = node.attributes.get("axis", -1) % len(x.shape)
    if axis == 0:
        raise Unsupported("a layer normalization over the batch")
    epsilon = float(node.attributes.get("epsilon", EPSILON))
    y = _normalised(builder, node, x, set(range(axis, len(x.shape))), epsilon)
    for kind, place in (("MUL", 1), ("ADD", 2)):
        if node.operand(place) is not None:
            y = combined(builder, kind, y, constant(node.weights(place, "the parameters")))
    return y


def _normalised(builder: Builder, node: Node, x: Value, axes: set[int], epsilon: float) -> Value:
    """(x - mean) / sqrt(variance + epsilon), both over ``axes``."""
    order = builder.order_of(x)
    x = result(builder.arranged(x, order), x.shape, order)  # moved once, if it has to be
    difference = combined(builder, "SUB", x, reduced_over(builder, node, x, axes, True))
    square = combined(builder, "MUL", difference, difference)
    variance = reduced_over(builder, node, square, axes, True)
    root = builder.unary("RSQRT", plus(builder, variance, epsilon))
    return combined(builder, "MUL", difference, root)
