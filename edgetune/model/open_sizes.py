"""Sizes that a file leaves open, because the batch was, worked out: it is one.

Where layers lie between, an open batch may stand in any place: Keras's TimeDistributed turns
[?, time, ...] into [time, ?, ...].  Others are open because TensorFlow wrote none, though constants
decide them: behind the RESHAPE of an UpSampling2D, as far as the graph goes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from edgetune.model import shapes
from edgetune.model.graph import Graph, Operator, Tensor
from edgetune.model.kinds import BRIDGES, KINDS, VIEWS
from edgetune.model.shapes import Shape

PLAIN = ("int32", "int64", "float32")
CONTRADICTIONS = (ValueError, LookupError, TypeError, ArithmeticError, AssertionError)
# Beside the kinds that run: those that only files have.
RULES: dict[str, Callable[[Graph, Operator], Shape | list[Shape]]] = {
    **{name: kind.output_shape for name, kind in KINDS.items()},
    **dict.fromkeys((*BRIDGES, "NEG", "SQUARE"), shapes.unchanged), "DIV": shapes.broadcast,
}


def settle_sizes(graph: Graph, op: Operator) -> None:
    """Gives outputs of ``op`` the sizes that follow from its inputs, where the file leaves some
    open; as they are where nothing follows, or something else than the file says."""
    outputs = [graph.tensors[i] for i in op.outputs]
    if not any(_open(output) for output in outputs):
        return
    if op.kind == "RESHAPE":
        _as_asked(graph, op)
    if op.kind in VIEWS and len(outputs) == 1 and op.operands and op.operands[0] >= 0:
        _as_many(graph.tensors[op.operands[0]], outputs[0])
    elif _complete(graph, op):
        for output, shape in zip(outputs, _computed(graph, op)):
            if len(shape) == len(output.shape) and all(
                known in (-1, size) and size > 0 for known, size in zip(output.shape, shape)
            ):
                output.shape = tuple(int(size) for size in shape)


def _open(tensor: Tensor) -> bool:
    return min(tensor.shape, default=1) < 1


def _complete(graph: Graph, op: Operator) -> bool:
    """Whether all is known that its outputs' shapes follow from: shapes of activations and
    weights, values of other constants."""
    if op.kind not in RULES or op.kind in VIEWS or not _in_number(op):
        return False
    kind = KINDS.get(op.kind)
    weighted = kind is not None and kind.weighted
    shapes_of = op.inputs[:2] if weighted else op.operands
    values_of = () if weighted else op.parameters
    return min((*shapes_of, *values_of), default=-1) >= 0 and not any(
        _open(graph.tensors[i]) for i in shapes_of
    ) and all(graph.tensors[i].data is not None for i in values_of)


def _in_number(op: Operator) -> bool:
    least, most = KINDS[op.kind].inputs if op.kind in KINDS else (1, 2)
    return least <= len(op.inputs) <= most


def _computed(graph: Graph, op: Operator) -> list[Shape]:
    try:
        found = RULES[op.kind](graph, op)
    except CONTRADICTIONS:
        return []
    return found if isinstance(found, list) else [found]


def _as_many(data: Tensor, output: Tensor) -> None:
    """A view has as many elements as what it is of: one open size follows."""
    rest = -math.prod(output.shape)
    if not _open(data) and output.shape.count(-1) == 1 and 0 < rest <= data.size and (
        data.size % rest == 0
    ):
        output.shape = tuple(data.size // rest if n == -1 else n for n in output.shape)


def _as_asked(graph: Graph, op: Operator) -> None:
    """A RESHAPE whose shape is a constant; of its sizes one may be -1."""
    if len(op.inputs) != 2 or len(op.outputs) != 1 or -1 in op.inputs:
        return
    (data, shape), output = (graph.tensors[i] for i in op.inputs), graph.tensors[op.outputs[0]]
    if shape.data is None or shape.dtype not in PLAIN:
        return
    wanted = shape.data.reshape(-1).tolist()
    rest = -math.prod(wanted)
    if not _open(data) and wanted.count(-1) == 1 and 0 < rest <= data.size:
        wanted = [data.size // rest if n == -1 else n for n in wanted]
    if min(wanted, default=1) > 0 and math.prod(wanted) == data.size:
        output.shape = tuple(int(n) for n in wanted)
