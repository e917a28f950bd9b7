"""An ONNX graph lowered to a float Graph, node by node."""

from __future__ import annotations

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, numpy_helper

from edgetune.errors import ModelError
from edgetune.importers.onnx.builder import Builder
from edgetune.importers.onnx.fold import FOLDABLE, folded
from edgetune.importers.onnx.node import decoded, described
from edgetune.importers.onnx.reasons import on_activations, unknown_kind
from edgetune.importers.onnx.table import HANDLERS
from edgetune.importers.onnx.values import (
    Unsupported,
    Value,
    activation,
    channels_last,
    constant,
)
from edgetune.model.decode import corrupt, quoted
from edgetune.model.graph import Graph
from edgetune.model.reasons import Finding, refusal

MALFORMED = (  # what numpy and onnx raise where operands and attributes contradict each other
    ValueError, TypeError, IndexError, KeyError, OverflowError, AttributeError, RuntimeError,
    ZeroDivisionError, NotImplementedError,
)


class Lowering:
    """One attempt to lower a graph.

    Args:
        shapes: of the inputs, and of other tensors as far as the file states them, by name.
        orders: of each input by name, its axes in the order in which the Graph's input has them.

    Attributes:
        problems: everything that cannot be lowered.
    """

    def __init__(self, graph: GraphProto, opset: int, shapes: dict, orders: dict):
        self.proto, self.opset, self.shapes = graph, opset, shapes
        self.builder = Builder()
        self.problems: list[Finding] = []
        self.guessed: set[str] = set()  # names behind a problem: of shapes that the file states
        self.values = {i.name: constant(_array(i)) for i in graph.initializer}
        for name, order in orders.items():
            self._input(name, order)

    def _input(self, name: str, order) -> None:
        shape, rewriter = self.shapes[name], self.builder.rewriter
        index = rewriter.activation(name, [shape[i] for i in order])
        rewriter.inputs += (index,)
        self.values[name] = activation(index, shape, order)

    def run(self) -> Graph | None:
        """The Graph; None where there are problems."""
        with np.errstate(all="ignore"):  # what is not finite is found later
            for node in self.proto.node:
                self._node(node)
        if not self.proto.output:
            self._graph_problem("the graph has no output")
        if self.problems:
            return None
        self._output(self.proto.output[0].name)
        return None if self.problems else self.builder.rewriter.graph()

    def _node(self, node: NodeProto) -> None:
        self.builder.name = node.output[0] if node.output else node.name
        before = len(self.builder.rewriter.tensors)
        try:
            outputs = self._lowered(node)
        except Unsupported as error:
            self._problem(node, error.args[0])
        except MALFORMED as error:
            if self.guessed.intersection(node.input):
                return  # it may be the guess that does not fit
            self._problem(node, f"its operands and attributes do not fit ({error})")
        else:
            self.values.update(zip(node.output, outputs))
            if self.guessed.intersection(node.input):
                self.guessed.update(node.output)
            self._name_results(outputs, node.output, before)

    def _lowered(self, node: NodeProto) -> list[Value]:
        own = node.domain in ("", "ai.onnx")
        inside = any(a.HasField("g") or a.graphs for a in node.attribute)
        if not own or inside or node.op_type not in (*HANDLERS, *FOLDABLE):
            raise Unsupported(unknown_kind(node.op_type, node.domain))
        if any(name and name not in self.values for name in node.input):
            return []  # behind something of which not even the shape is known
        operands = [self.values[name] if name else None for name in node.input]
        if node.op_type == "Shape" and operands[0].data is None:
            operands = [constant(np.broadcast_to(np.float32(0), operands[0].shape))]
        if node.op_type in FOLDABLE and all(v is None or v.data is not None for v in operands):
            arrays = [None if v is None else v.data for v in operands]
            return [constant(array) for array in folded(node, self.opset, arrays)]
        if node.op_type not in HANDLERS:
            raise Unsupported(on_activations(node.op_type))
        outputs = HANDLERS[node.op_type](self.builder, decoded(node, self.opset, operands))
        return outputs if isinstance(outputs, list) else [outputs]

    def _problem(self, node: NodeProto, reason: str) -> None:
        """Notes it, and goes on with what the node's outputs would be, if the file says so."""
        self.problems.append(Finding(node.op_type, f"node {described(node)}", [reason]))
        for name in node.output:
            shape = self.shapes.get(name)
            if shape:
                self._placeholder(name, shape)

    def _graph_problem(self, reason: str) -> None:
        self.problems.append(Finding("", "", [reason]))

    def _placeholder(self, name: str, shape: tuple[int, ...]) -> None:
        order = channels_last(len(shape))
        index = self.builder.rewriter.activation(name, [shape[i] for i in order])
        self.values[name] = activation(index, shape, order)
        self.guessed.add(name)

    def _name_results(self, outputs: list[Value], names, before: int) -> None:
        """The tensor that a node ends in is called what the node's output is called."""
        for value, name in zip(outputs, names):
            if value.data is None and value.tensor >= before:
                self.builder.rewriter.tensors[value.tensor].name = name

    def _output(self, name: str) -> None:
        value, builder = self.values.get(name), self.builder
        builder.name = name
        if value is None or value.data is not None:
            self._graph_problem(f"the graph's output {quoted(name)} is a constant")
            return
        if value.shape[:1] != (1,):  # values of one sample, laid one under another
            value = value.view(value.places.reshape(1, -1))
        try:
            order = builder.order_of(value)
            shape = tuple(value.shape[i] for i in order)
            sink = builder.reshaped(builder.standing(value, order), shape)
        except Unsupported as error:
            self._graph_problem(f"the graph's output {quoted(name)}: {error}")
            return
        builder.rewriter.outputs = (sink,)
        if builder.rewriter.producer(sink) is not None:
            builder.rewriter.tensors[sink].name = name


def _array(tensor: TensorProto) -> np.ndarray:
    try:
        return numpy_helper.to_array(tensor)
    except MALFORMED as error:
        raise corrupt(f"The weights {quoted(tensor.name)} cannot be read ({error}).") from None


def refused(problems: list[Finding]) -> ModelError:
    """The error that names everything at once."""
    known = "ONNX operators that convert: " + ", ".join(HANDLERS) + "."
    return refusal("convert", problems, known)
