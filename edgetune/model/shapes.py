"""Output shapes, from inputs and options alone; for int8 and float graphs alike.

Every function takes the graph and one of its operators and returns the shape that the operator
computes; dimensions are below 1 where its window does not fit or its operands do not agree.
``kinds`` says which function is whose.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgetune.model.moves import places

if TYPE_CHECKING:  # a Graph's operators look up their kind, which knows these functions
    from edgetune.model.graph import Graph, Operator

Shape = tuple[int, ...]


def unchanged(graph: Graph, operator: Operator) -> Shape:
    return graph.tensors[operator.inputs[0]].shape


def stated(graph: Graph, operator: Operator) -> Shape:
    """What the file says: views compute no shape of their own."""
    return graph.tensors[operator.outputs[0]].shape


def conv(graph: Graph, operator: Operator) -> Shape:
    shape, weights = (graph.tensors[i].shape for i in operator.inputs[:2])
    return (1, *_windows(shape, weights[1:3], operator.options), weights[0])


def groups(data: Shape, weights: Shape) -> int:
    """Into how many parts a CONV_2D cuts the channels of ``data``, each read by as many outputs;
    0 where its ``weights`` do not fit."""
    depth = weights[3]
    if depth < 1 or data[3] % depth or weights[0] % (data[3] // depth):
        return 0
    return data[3] // depth


def transposed(graph: Graph, operator: Operator) -> Shape:
    return operator.options.get("output_shape") or (0,)


def depthwise(graph: Graph, operator: Operator) -> Shape:
    shape, weights = (graph.tensors[i].shape for i in operator.inputs[:2])
    return (1, *_windows(shape, weights[1:3], operator.options), weights[3])


def pool(graph: Graph, operator: Operator) -> Shape:
    shape = graph.tensors[operator.inputs[0]].shape
    kernel = operator.options["filter_height"], operator.options["filter_width"]
    return (1, *_windows(shape, kernel, operator.options), shape[3])


def dense(graph: Graph, operator: Operator) -> Shape:
    shape, weights = (graph.tensors[i].shape for i in operator.inputs[:2])
    if operator.options["keep_num_dims"]:
        return (*shape[:-1], weights[0])
    return (math.prod(shape) // max(1, weights[1]), weights[0])


def reduced(graph: Graph, operator: Operator) -> Shape:
    shape = graph.tensors[operator.inputs[0]].shape
    gone = reduced_axes(graph, operator)
    if operator.options["keep_dims"]:
        return tuple(1 if axis in gone else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)


def padded(graph: Graph, operator: Operator) -> Shape:
    data, paddings = (graph.tensors[i] for i in operator.inputs[:2])
    return tuple(int(n + sum(p)) for n, p in zip(data.shape, paddings.values.tolist()))


def moved(graph: Graph, operator: Operator) -> Shape:
    return places(graph, operator)[0].shape


def resized(graph: Graph, operator: Operator) -> Shape:
    data, size = (graph.tensors[i] for i in operator.inputs[:2])
    height, width = size.values.reshape(-1).tolist()
    return (data.shape[0], height, width, data.shape[3])


def parts(graph: Graph, operator: Operator) -> list[Shape]:
    """Of several outputs."""
    return [part.shape for part in places(graph, operator)]


def broadcast(graph: Graph, operator: Operator) -> Shape:
    """The common shape of two operands; zeros where they do not agree."""
    one, other = (graph.tensors[i].shape for i in operator.inputs[:2])
    rank = max(len(one), len(other))
    pairs = zip((1,) * (rank - len(one)) + one, (1,) * (rank - len(other)) + other)
    return tuple(max(a, b) if a == b or 1 in (a, b) else 0 for a, b in pairs)


def compared(graph: Graph, operator: Operator) -> Shape:
    """As ``broadcast``, of two operands of which the larger one is chosen, or the like."""
    return broadcast(graph, operator)


def joined(graph: Graph, operator: Operator) -> Shape:
    """Operands one behind the other along an axis; a zero where they do not agree."""
    shapes, axis = [graph.tensors[i].shape for i in operator.inputs], operator.options["axis"]
    first = shapes[0]
    if not -len(first) <= axis < len(first):
        return (0,)
    axis %= len(first)
    others = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    if len(others) > 1 or any(len(shape) != len(first) for shape in shapes):
        return (0,)
    return (*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :])


def packed(graph: Graph, operator: Operator) -> Shape:
    """Operands side by side along an axis of their own; a zero where they do not agree."""
    shapes, axis = [graph.tensors[i].shape for i in operator.inputs], operator.options["axis"]
    rank = len(shapes[0]) + 1
    if len(set(shapes)) > 1 or not -rank <= axis < rank:
        return (0,)
    axis %= rank
    return (*shapes[0][:axis], len(shapes), *shapes[0][axis:])


def reduced_axes(graph: Graph, operator: Operator) -> set[int]:
    """The axes over which a reduction goes, counted from the first."""
    rank = len(graph.tensors[operator.inputs[0]].shape)
    axes = graph.tensors[operator.inputs[1]].values.reshape(-1)
    return {int(axis) % rank for axis in axes} if rank else set()


def reduction(graph: Graph, operator: Operator) -> tuple[int, int, int, int] | None:
    """The input of a reduction as [outer][rows][inner][columns], of which it leaves
    [outer][inner]; None where its axes and the others alternate more often than that."""
    shape, gone = graph.tensors[operator.inputs[0]].shape, reduced_axes(graph, operator)
    lengths, place = [1, 1, 1, 1], 0
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        place += (axis in gone) != place % 2  # outer and inner stay, rows and columns go
        if place == len(lengths):
            return None
        lengths[place] *= size
    outer, rows, inner, columns = lengths
    return outer, rows, inner, columns


def _windows(shape: Shape, kernel: Shape, options: dict) -> Shape:
    """How many windows fit, down and across."""
    strides = options["stride_h"], options["stride_w"]
    if options["padding"] == "SAME":
        spans = list(shape[1:3])
    else:
        dilation = options.get("dilation_h_factor", 1), options.get("dilation_w_factor", 1)
        spans = [n - (k - 1) * d for n, k, d in zip(shape[1:3], kernel, dilation)]
    return tuple(-(-span // stride) for span, stride in zip(spans, strides))
