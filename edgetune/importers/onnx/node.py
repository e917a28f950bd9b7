"""One node of an ONNX graph, its attributes decoded."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, helper

from edgetune.dataclass import dataclass
from edgetune.importers.onnx.values import Unsupported, Value
from edgetune.model.decode import quoted


@dataclass
class Node:
    """``operands`` are None where the node leaves an optional input out."""

    proto: NodeProto
    opset: int
    operands: list[Value | None]
    attributes: dict

    @property
    def kind(self) -> str:
        return self.proto.op_type

    @property
    def output(self) -> str:
        return self.proto.output[0]

    def operand(self, place: int) -> Value | None:
        return self.operands[place] if place < len(self.operands) else None

    def activation(self, place: int = 0) -> Value:
        value = self.operand(place)
        if value is None or value.data is not None:
            raise Unsupported(f"operand {place} is a constant")
        return value

    def data(self, place: int, what: str) -> np.ndarray:
        """A constant operand's values."""
        value = self.operand(place)
        if value is None:
            raise Unsupported(f"{what} are missing")
        if value.data is None:
            raise Unsupported(f"{what} are computed, not constant")
        return value.data

    def weights(self, place: int, what: str) -> np.ndarray:
        return np.asarray(self.data(place, what), np.float32)

    def integers(self, name: str, place: int) -> list[int] | None:
        """A list that is an attribute in old opsets and an operand in new ones."""
        if name in self.attributes:
            return [int(i) for i in self.attributes[name]]
        if self.operand(place) is None:
            return None
        return [int(i) for i in self.data(place, name).reshape(-1)]


def decoded(proto: NodeProto, opset: int, operands: list[Value | None]) -> Node:
    attributes = {a.name: _plain(helper.get_attribute_value(a)) for a in proto.attribute}
    return Node(proto, opset, operands, attributes)


def described(proto: NodeProto) -> str:
    """A node for a message: its kind, name and output."""
    name = f" {quoted(proto.name)}" if proto.name else ""
    output = f" (output {quoted(proto.output[0])})" if proto.output else ""
    return f"{proto.op_type}{name}{output}"


def _plain(value):
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
