"""Choices by comparison, as exporters write functions of several parts: ``Where(x > 0, x, 0)``."""

from __future__ import annotations

import numpy as np

from edgetune.importers.onnx.builder import Builder
from edgetune.importers.onnx.elementwise import combined
from edgetune.importers.onnx.node import Node
from edgetune.importers.onnx.values import Unsupported, Value

COMPARISONS = {
    "Greater": "GREATER", "Less": "LESS", "GreaterOrEqual": "GREATER_EQUAL",
    "LessOrEqual": "LESS_EQUAL",
}  # fmt: skip


def comparison(builder: Builder, node: Node) -> Value:
    return combined(builder, COMPARISONS[node.kind], *node.operands)


def choice(builder: Builder, node: Node) -> Value:
    """Of two operands, numbers or as large as the condition, element by element."""
    condition = node.activation()
    if builder.rewriter.tensors[condition.tensor].dtype != "bool":
        raise ValueError("a condition that is no comparison")  # as behind one that is refused
    operands = [_like(builder, condition, value) for value in node.operands[1:]]
    shape = builder.shape(condition.tensor)
    y = builder.emit("SELECT_V2", (condition.tensor, *operands), shape)
    return Value(condition.shape, None, y, condition.places)


def _like(builder: Builder, condition: Value, value: Value) -> int:
    """A number, or a tensor in which elements stand as they do in that of the condition."""
    if value.data is not None and np.unique(value.data).size == 1:
        return builder.real("constant", np.reshape(value.data.reshape(-1)[0], 1))
    same = value.data is None and value.shape == condition.shape
    if not same or (value.places != condition.places).any():
        raise Unsupported("a choice between operands of another shape than the condition's")
    return builder.reshaped(value.tensor, builder.shape(condition.tensor))
