"""LayerNormalization, as TensorFlow's converter writes it."""

from __future__ import annotations

import math

from edgetune.importers.onnx.builder import Builder, result
from edgetune.importers.onnx.node import Node
from edgetune.importers.onnx.values import Unsupported, Value

EPSILON = 1e-5


def layer_normalization(builder: Builder, node: Node) -> Value:
    """Over the last axis."""
    x = node.activation()
    order = tuple(range(len(x.shape)))
    axis = node.attributes.get("axis", -1) % len(order)
    if math.prod(x.shape[axis:-1]) != 1 or axis == 0:
        raise Unsupported("a layer normalization over more than one axis")
    y = _normalised(builder, builder.arranged(x, order), node.attributes.get("epsilon", EPSILON))
    shape = builder.shape(y)
    for kind, place in (("MUL", 1), ("ADD", 2)):
        if node.operand(place) is not None:
            values = node.weights(place, "the parameters").reshape(-1)
            y = builder.emit(kind, (y, builder.real(f"operand{place}", values)), shape)
    return result(y, x.shape, order)


def _normalised(builder: Builder, x: int, epsilon: float) -> int:
    """Each cell less its mean, over the root of its variance."""
    shape = builder.shape(x)
    cells = (*shape[:-1], 1)
    axes = builder.integers("axes", [len(shape) - 1])
    mean = builder.emit("MEAN", (x, axes), cells, keep_dims=True)
    squares = builder.emit("SQUARED_DIFFERENCE", (x, mean), shape)
    variance = builder.emit("MEAN", (squares, axes), cells, keep_dims=True)
    variance = builder.emit("ADD", (variance, builder.real("epsilon", [epsilon])), cells)
    inverse = builder.emit("RSQRT", (variance,), cells)
    return builder.emit("MUL", (builder.emit("SUB", (x, mean), shape), inverse), shape)
