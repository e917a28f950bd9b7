"""Nodes of files that are quantised already: their values become real again.

A QuantizeLinear with a DequantizeLinear behind it says where an activation is rounded; conversion
finds its own places by samples.  What is kept is the clamp: quantisers leave a Relu out where the
quantised range begins at zero.
"""

from __future__ import annotations

import numpy as np

from edgetune.importers.onnx.builder import Builder
from edgetune.importers.onnx.node import Node
from edgetune.importers.onnx.values import Value

NEVER_NEGATIVE = ("RELU", "RELU6", "LOGISTIC", "SOFTMAX")
KEEPS_SIGN = ("MAX_POOL_2D", "AVERAGE_POOL_2D", "MEAN", "PAD", "RESHAPE", "STRIDED_SLICE",
              "CONCATENATION", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
WHOLE = ("QLinearConv", "QLinearMatMul", "QLinearAdd", "QGemm", "QLinearGlobalAveragePool",
         "QLinearConcat", "QLinearMul", "QLinearSigmoid", "QLinearSoftmax", "QLinearLeakyRelu",
         "QLinearAveragePool", "ConvInteger", "MatMulInteger", "DynamicQuantizeLinear")
ADVICE = (
    "its arithmetic is that of integers; convert the float model, or quantise it in QDQ form "
    "(QuantFormat.QDQ)"
)


def quantise(builder: Builder, node: Node) -> Value:
    """The value itself, not below zero where the quantised range begins there."""
    x, scale = node.activation(), node.weights(1, "the scale")
    zero_point = node.data(2, "the zero point") if node.operand(2) else np.zeros(1, np.uint8)
    bounds = np.iinfo(zero_point.dtype)
    if scale.size != 1 or (zero_point != bounds.min).any():
        return x
    if _never_negative(builder, x.tensor):
        return x
    top = float(scale.reshape(-1)[0]) * (bounds.max - bounds.min)
    return builder.unary("RELU6" if abs(top - 6) < 6 / 255 else "RELU", x)


def dequantise(builder: Builder, node: Node) -> Value:
    return node.activation()


def _never_negative(builder: Builder, tensor: int) -> bool:
    """Whether its values are known to be zero or more; the graph's input is as it comes."""
    operator = builder.rewriter.producer(tensor)
    if operator is None or operator.kind in NEVER_NEGATIVE:
        return True
    constants = [c for i in operator.inputs if (c := builder.rewriter.data(i)) is not None]
    operands = [i for i in operator.inputs if builder.rewriter.data(i) is None]
    keeps = operator.kind in KEEPS_SIGN or (
        operator.kind == "MUL" and all((c >= 0).all() for c in constants)
    )
    return keeps and all(_never_negative(builder, i) for i in operands)
