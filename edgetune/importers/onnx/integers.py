"""Nodes whose arithmetic is that of integers (ONNX Runtime's QOperator form), written as the QDQ
form has them: what they read made real, the operator that they are, and what it gives quantised.
"""

from __future__ import annotations

from typing import NamedTuple

from onnx import GraphProto, NodeProto, TensorProto, helper

OWN = ("channels_last", "opset")  # attributes that the real operators do not have


class Form(NamedTuple):
    """The real operator, and where a node keeps a value, its scale and its zero point: of each
    operand, and of the output, whose value it makes.  ``axis`` is that of the weights' scales
    by channel, ``bias`` the place of a bias in integers of the product of the first two scales.
    """

    kind: str
    operands: tuple[int, ...]
    output: int
    axis: int = 0
    bias: int | None = None


FORMS = {
    "QLinearConv": Form("Conv", (0, 3), 6, axis=0, bias=8),
    "QGemm": Form("Gemm", (0, 3), 7, axis=0, bias=6),
    "QLinearMatMul": Form("MatMul", (0, 3), 6, axis=1),
    "QLinearAdd": Form("Add", (0, 3), 6),
    "QLinearMul": Form("Mul", (0, 3), 6),
    **{
        f"QLinear{kind}": Form(kind, (0,), 3)
        for kind in ("Sigmoid", "LeakyRelu", "Softmax", "AveragePool", "GlobalAveragePool",
                     "ReduceMean")
    },
}  # fmt: skip


def expand_integers(graph: GraphProto) -> None:
    """Replaces every such node of ``graph``; others stay."""
    nodes = [part for node in graph.node for part in _parts(node)]
    del graph.node[:]
    graph.node.extend(nodes)


def _parts(node: NodeProto) -> list[NodeProto]:
    if node.op_type == "DynamicQuantizeLSTM" and len(node.input) == 12:
        return _Expansion(node).lstm()
    form = _form(node)
    if form is None or len(node.output) != 1 or _has_channels_last(node):
        return [node]
    expansion = _Expansion(node)
    operands = [expansion.real(place, form.axis) for place in form.operands]
    if form.bias is not None and expansion.name(form.bias):
        operands.append(expansion.bias(form))
    expansion.operator(form.kind, operands)
    return expansion.quantised(form.output)


def _form(node: NodeProto) -> Form | None:
    if node.op_type == "QLinearConcat":  # output's scale and zero point, then three an operand
        return Form("Concat", tuple(range(2, len(node.input), 3)), 0)
    return FORMS.get(node.op_type)


def _has_channels_last(node: NodeProto) -> bool:
    return any(a.name == "channels_last" and a.i for a in node.attribute)


class _Expansion:
    """The nodes that one becomes; their values are called after its output."""

    def __init__(self, node: NodeProto):
        self.node, self.parts = node, []

    def name(self, place: int) -> str:
        return self.node.input[place] if place < len(self.node.input) else ""

    def real(self, place: int, axis: int) -> str:
        names = [self.name(place + i) for i in range(3)]
        return self._add("DequantizeLinear", names, f"real{place}", axis=axis)

    def bias(self, form: Form) -> str:
        """Its scale is the product of the operands' scales."""
        scales = [self.name(place + 1) for place in form.operands]
        scale = self._add("Mul", scales, "bias_scale")
        return self._add("DequantizeLinear", [self.name(form.bias), scale], "bias", axis=0)

    def operator(self, kind: str, operands: list[str]) -> None:
        self.result = self._add(kind, operands, "value")
        self.parts[-1].attribute.extend(a for a in self.node.attribute if a.name not in OWN)

    def quantised(self, place: int) -> list[NodeProto]:
        """All nodes; without a scale the output is real."""
        names = [self.result, self.name(place), self.name(place + 1)]
        kind = "QuantizeLinear" if names[1] else "Identity"
        self._add(kind, names if names[1] else names[:1], "")
        self.parts[-1].output[0] = self.node.output[0]
        return self.parts

    def lstm(self) -> list[NodeProto]:
        """Of weights in integers, transposed, with scales a direction, or a unit of one."""
        names = [*self.node.input[:8]]
        for place, scale in ((1, 8), (2, 10)):
            names[place] = self._real_weights(place, scale)
        self._add("LSTM", names, "")
        self.parts[-1].attribute.extend(self.node.attribute)
        self.parts[-1].output[:] = self.node.output
        return self.parts

    def _real_weights(self, place: int, scale: int) -> str:
        shape = helper.make_tensor("shape", TensorProto.INT64, [3], [0, 1, -1])
        along = self._add("Constant", [], f"shape{place}", value=shape)
        values, zero = (self._add("Cast", [self.name(i)], f"cast{i}", to=TensorProto.FLOAT)
                        for i in (place, scale + 1))
        zero, factor = (self._add("Reshape", [name, along], f"along{i}")
                        for i, name in ((scale + 1, zero), (scale, self.name(scale))))
        centred = self._add("Sub", [values, zero], f"centred{place}")
        real = self._add("Mul", [centred, factor], f"scaled{place}")
        return self._add("Transpose", [real], f"real{place}", perm=[0, 2, 1])

    def _add(self, kind: str, names: list[str], role: str, **attributes) -> str:
        result = f"{self.node.output[0]}/{role}"
        self.parts.append(
            helper.make_node(kind, names, [result], name=self.node.name, **attributes)
        )
        return result
