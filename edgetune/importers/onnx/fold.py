"""Nodes whose operands are all constants, worked out by ONNX's reference implementation."""

from __future__ import annotations

import math

import numpy as np
from onnx import GraphProto, NodeProto, ValueInfoProto
from onnx.reference import ReferenceEvaluator

from edgetune.importers.onnx.values import Unsupported

MAX_ELEMENTS = 1 << 24  # of a folded constant
MAX_SHAPE = 1 << 12  # elements that a shape's arithmetic works on
LEAST = {  # opsets: of scales by channel, and of what is not in training unless it says so
    "DequantizeLinear": 19, "BatchNormalization": 15,
}  # fmt: skip
ELEMENTWISE = ("Add", "Sub", "Mul", "Div", "Pow", "Equal", "Where", "Min", "Max", "Mod")
RESHAPING = (
    "Cast", "CastLike", "Concat", "Flatten", "Identity", "Reshape", "Slice", "Squeeze",
    "Transpose", "Unsqueeze", "Neg", "Sqrt", "Reciprocal", "Abs", "Exp", "Floor", "Ceil",
    "Constant", "Shape", "Size", "DequantizeLinear",
    "QuantizeLinear", "ReduceSum", "ReduceProd", "ReduceMean",
)
SMALL = ("Gather", "Range", "ConstantOfShape", "Expand", "Tile")
PRODUCTS = ("Gemm", "MatMul")  # these and functions stand behind an input that is constant
FUNCTIONS = (
    "Relu", "LeakyRelu", "Elu", "Selu", "Sigmoid", "HardSigmoid", "Tanh", "Clip", "Softmax",
    "BatchNormalization",
)
FOLDABLE = (*ELEMENTWISE, *RESHAPING, *SMALL, *PRODUCTS, *FUNCTIONS)


def folded(node: NodeProto, opset: int, operands: list[np.ndarray | None]) -> list[np.ndarray]:
    """The outputs of ``node``.

    Raises:
        Unsupported: they would be too large.
    """
    given = [o for o in operands if o is not None]
    if _bound(node.op_type, given) > MAX_ELEMENTS:
        raise Unsupported("a constant that is too large")
    feeds = {name: o for name, o in zip(node.input, operands) if name}
    ends = [[ValueInfoProto(name=n) for n in names] for names in (feeds, filter(None, node.output))]
    alone = GraphProto(node=[node], input=ends[0], output=ends[1])  # of a node it takes no opset
    opset = max(opset, LEAST.get(node.op_type, 0))
    outputs = ReferenceEvaluator(alone, opsets={"": opset}).run(None, feeds)
    return [np.asarray(y) for y in outputs]


def _bound(kind: str, operands: list[np.ndarray]) -> int:
    """At least as many elements as the result has."""
    if kind in ELEMENTWISE:
        return math.prod(np.broadcast_shapes(*(o.shape for o in operands)))
    if kind in PRODUCTS:
        return operands[0].size * operands[1].size
    total = sum(o.size for o in operands)
    if kind not in SMALL:
        return total
    return _small_bound(kind, operands) if total <= MAX_SHAPE else MAX_ELEMENTS + 1


def _small_bound(kind: str, operands: list[np.ndarray]) -> int:
    if kind == "Range":
        start, limit, step = (float(o.reshape(-1)[0]) for o in operands)
        return math.ceil(abs((limit - start) / step)) if step else MAX_ELEMENTS + 1
    if kind == "Gather":
        return operands[0].size * max(operands[1].size, 1)
    sizes = math.prod(max(int(n), 1) for n in operands[-1].reshape(-1))
    return sizes * (operands[0].size if kind in ("Expand", "Tile") else 1)
