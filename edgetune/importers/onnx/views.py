"""Nodes that give the same elements another shape or order: no operator at all."""

from __future__ import annotations

import math

import numpy as np

from edgetune.importers.onnx.builder import Builder
from edgetune.importers.onnx.node import Node
from edgetune.importers.onnx.values import Unsupported, Value

FLOATS = (1, 10, 11, 16)  # TensorProto's float, float16, double, bfloat16
BOOL = 9


def same(builder: Builder, node: Node) -> Value:
    return node.activation()


def cast(builder: Builder, node: Node) -> Value:
    """To a real type; of a truth value to one."""
    value = node.activation()
    truth = builder.rewriter.tensors[value.tensor].dtype == "bool"
    if node.attributes["to"] not in ((BOOL,) if truth else FLOATS):
        raise Unsupported(f"a cast {'of truth values' if truth else 'to a type that is not real'}")
    return value


def reshape(builder: Builder, node: Node) -> Value:
    value = node.activation()
    shape = [int(n) for n in node.data(1, "the shape")]
    if not node.attributes.get("allowzero", 0):
        shape = [value.shape[i] if n == 0 else n for i, n in enumerate(shape)]
    return value.view(value.places.reshape(shape))


def flatten(builder: Builder, node: Node) -> Value:
    value, axis = node.activation(), node.attributes.get("axis", 1)
    axis = axis + len(value.shape) if axis < 0 else axis
    return value.view(value.places.reshape(math.prod(value.shape[:axis]), -1))


def transpose(builder: Builder, node: Node) -> Value:
    value = node.activation()
    order = node.attributes.get("perm") or range(len(value.shape))[::-1]
    return value.view(value.places.transpose(list(order)))


def squeeze(builder: Builder, node: Node) -> Value:
    value, axes = node.activation(), node.integers("axes", 1)
    axes = [i for i, n in enumerate(value.shape) if n == 1] if axes is None else axes
    return value.view(np.squeeze(value.places, tuple(axes)))


def unsqueeze(builder: Builder, node: Node) -> Value:
    value, axes = node.activation(), node.integers("axes", 1)
    if not axes:
        raise Unsupported("axes are missing")
    return value.view(np.expand_dims(value.places, tuple(axes)))


def expand(builder: Builder, node: Node) -> Value:
    """Repeated, which costs nothing where it meets an operand of the whole shape."""
    value = node.activation()
    wanted = [int(n) for n in node.data(1, "the shape")]
    shape = np.broadcast_shapes(value.shape, wanted)
    return value.view(np.broadcast_to(value.places, shape))


def depth_to_space(builder: Builder, node: Node) -> Value:
    """Channels laid out as blocks of an image: rows, columns and channels of such, or (CRD)
    channels first."""
    value, block = node.activation(), node.attributes["blocksize"]
    batch, depth, height, width = value.shape
    if node.attributes.get("mode", "DCR") == "CRD":
        cells = value.places.reshape(batch, -1, block, block, height, width)
        order = (0, 1, 4, 2, 5, 3)
    else:
        cells = value.places.reshape(batch, block, block, -1, height, width)
        order = (0, 3, 4, 1, 5, 2)
    shape = batch, depth // block**2, height * block, width * block
    return value.view(cells.transpose(order).reshape(shape))


def space_to_depth(builder: Builder, node: Node) -> Value:
    value, block = node.activation(), node.attributes["blocksize"]
    batch, depth, height, width = value.shape
    cells = value.places.reshape(batch, depth, height // block, block, width // block, block)
    shape = batch, depth * block**2, height // block, width // block
    return value.view(cells.transpose(0, 3, 5, 1, 2, 4).reshape(shape))
