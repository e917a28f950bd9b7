"""The one output of several that an ONNX model is wanted for; the rest of its graph is cut away."""

from __future__ import annotations

from onnx import GraphProto, NodeProto, ValueInfoProto

from edgetune.importers.onnx.inputs import free_inputs
from edgetune.model.outputs import Choice, End, pick

KINDS = {"Softmax": "SOFTMAX", "LogSoftmax": "LOG_SOFTMAX", "Sigmoid": "LOGISTIC", "Tanh": "TANH"}
VIEWS = ("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze")


def choose_output(graph: GraphProto, wanted: Choice) -> list[str]:
    """Leaves the graph one output and the nodes that it depends on.

    Of none wanted the only one, or the first where all are one value in other shapes.

    Returns:
        Names of the outputs that are left out.

    Raises:
        ModelError, UsageError: see ``model.outputs.pick``.
    """
    makers = {name: node for node in graph.node for name in node.output}
    values = [_value(output.name, makers) for output in graph.output]
    if wanted is None and len(set(values)) == 1:
        wanted = 0
    if not values:
        return []
    inputs = [value for value in graph.input if value.name in free_inputs(graph)]
    source = _shape(inputs[0]) if len(inputs) == 1 else None
    ends = [_end(*pair, makers, source) for pair in zip(graph.output, values)]
    number = pick(ends, wanted)
    if len(ends) == 1:
        return []
    left_out = [output.name for i, output in enumerate(graph.output) if i != number]
    keep_output(graph, graph.output[number], makers)
    return left_out


def keep_output(graph: GraphProto, output: ValueInfoProto, makers: dict[str, NodeProto]) -> None:
    """Makes ``output`` the only one, and keeps the nodes that it depends on."""
    kept = ValueInfoProto()
    kept.CopyFrom(output)
    del graph.output[:]
    graph.output.add().CopyFrom(kept)
    needed = ancestors(kept.name, makers)
    nodes = [node for node in graph.node if any(o in needed for o in node.output)]
    del graph.node[:]
    graph.node.extend(nodes)


def ancestors(name: str, makers: dict[str, NodeProto]) -> set[str]:
    """All names that ``name`` depends on, with it."""
    found, waiting = set(), [name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += makers[name].input if name in makers else ()
    return found


def _value(name: str, makers: dict[str, NodeProto]) -> str:
    """The name of what an output holds, perhaps in another shape."""
    while (node := makers.get(name)) is not None and node.op_type in VIEWS and node.input:
        name = node.input[0]
    return name


def _end(
    output: ValueInfoProto, value: str, makers: dict[str, NodeProto],
    source: tuple[int, ...] | None,
) -> End:
    node = makers.get(value)
    kind = "" if node is None else KINDS.get(node.op_type, node.op_type)
    return End((output.name,), _shape(output), kind, source)


def _shape(value: ValueInfoProto) -> tuple[int, ...]:
    """With a batch of one; 0 where a size is open."""
    dims = value.type.tensor_type.shape.dim
    return (1, *(d.dim_value for d in dims[1:])) if dims else ()
