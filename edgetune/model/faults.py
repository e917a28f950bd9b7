"""How an operator's operands contradict each other; ``kinds`` says which function is whose.

Every function takes the graph and one of its operators, of the right inputs, and returns what does
not agree, or None.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgetune.model.moves import places
from edgetune.model.shapes import groups

if TYPE_CHECKING:  # a Graph's operators look up their kind, which knows these functions
    from edgetune.model.graph import Graph, Operator
    from edgetune.model.shapes import Shape

MAX_WINDOW = 32767  # kernel height and width, strides, paddings


def dense(graph: Graph, operator: Operator) -> str | None:
    data, weights = (graph.tensors[i].shape for i in operator.inputs[:2])
    if len(weights) != 2:
        return f"weights of the shape {weights}"
    fits = weights[1] == data[-1] or weights[1] == math.prod(data)
    if operator.options["keep_num_dims"]:
        fits = data[-1] == weights[1]
    return None if fits else _misfit(data, weights)


def conv(graph: Graph, operator: Operator) -> str | None:
    data, weights = (graph.tensors[i].shape for i in operator.inputs[:2])
    if len(weights) != 4:
        return f"weights of the shape {weights}"
    return _kernel(weights) if groups(data, weights) else _misfit(data, weights)


def transposed(graph: Graph, operator: Operator) -> str | None:
    data, weights = (graph.tensors[i].shape for i in operator.inputs[:2])
    if len(weights) != 4:
        return f"weights of the shape {weights}"
    shape = operator.options["output_shape"]
    if len(shape) != 4 or shape[0] != 1 or shape[3] != weights[0]:
        return f"asked for the shape {shape} by weights {weights}"
    strides = operator.options["stride_h"], operator.options["stride_w"]
    axes = zip(data[1:3], strides, weights[1:3], shape[1:3])
    if any((n - 1) * stride >= size + kernel for n, stride, kernel, size in axes):
        return f"cells of its input {data} lie beyond its output {shape}"
    return _kernel(weights) if data[3] == weights[3] else _misfit(data, weights)


def depthwise(graph: Graph, operator: Operator) -> str | None:
    data, weights = (graph.tensors[i].shape for i in operator.inputs[:2])
    if len(weights) != 4:
        return f"weights of the shape {weights}"
    multiplier = operator.options["depth_multiplier"]
    fits = weights[0] == 1 and multiplier >= 1 and data[3] * multiplier == weights[3]
    return _kernel(weights) if fits else _misfit(data, weights)


def _misfit(data: Shape, weights: Shape) -> str:
    return f"weights {weights} do not fit the input {data}"


def _kernel(weights: Shape) -> str | None:
    too_large = max(weights[1:3]) > MAX_WINDOW
    return f"a kernel of {weights[1]}x{weights[2]}" if too_large else None


def axes(graph: Graph, operator: Operator) -> str | None:
    rank = len(graph.tensors[operator.inputs[0]].shape)
    values = graph.tensors[operator.inputs[1]].values.reshape(-1).tolist()
    if not all(-rank <= axis < rank for axis in values):
        return f"the axes {values[:8]} of {rank} dimensions"
    return None


def paddings(graph: Graph, operator: Operator) -> str | None:
    data, pairs = (graph.tensors[i] for i in operator.inputs)
    rank = len(data.shape)
    if pairs.shape != (rank, 2) or pairs.values.min() < 0 or pairs.values.max() > MAX_WINDOW:
        return f"paddings that are not {rank} pairs of small positive integers"
    return None


def move(graph: Graph, operator: Operator) -> str | None:
    """Options and constants say which element goes where, and how many outputs there are."""
    try:
        count = len(places(graph, operator))
    except ValueError as error:
        return str(error)
    found = len(operator.outputs)
    return None if found == count else f"{found} outputs, computed {count}"


def resize(graph: Graph, operator: Operator) -> str | None:
    data, size = (graph.tensors[i] for i in operator.inputs)
    outs = size.values.reshape(-1).tolist()
    if len(data.shape) != 4 or len(outs) != 2 or not 1 <= min(outs) <= max(outs) <= MAX_WINDOW:
        return f"{list(data.shape)} resized to {outs[:8]}"
    return None


def view(graph: Graph, operator: Operator) -> str | None:
    data, output = (graph.tensors[i] for i in (operator.inputs[0], operator.outputs[0]))
    return None if data.size == output.size else f"{data.shape} reshaped to {output.shape}"


def reshape(graph: Graph, operator: Operator) -> str | None:
    """As a view, and the shape that is asked for, if any is, is the output's."""
    if wrong := view(graph, operator):
        return wrong
    if len(operator.inputs) < 2 or operator.inputs[1] < 0:
        return None
    shape = graph.tensors[operator.outputs[0]].shape
    wanted = graph.tensors[operator.inputs[1]].values.reshape(-1).tolist()
    if len(wanted) != len(shape) or any(w not in (-1, have) for w, have in zip(wanted, shape)):
        return f"asked for the shape {wanted[:8]}, output {shape}"
    return None
