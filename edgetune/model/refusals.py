"""Why edgetune does not run an operator of a kind that it knows; ``kinds`` says what is whose.

Every function takes the graph and one of its operators, of the right inputs, and returns a reason,
or None where it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgetune.model.shapes import reduced_axes, reduction, transposition

if TYPE_CHECKING:  # a Graph's operators look up their kind, which knows these functions
    from edgetune.model.graph import Graph, Operator


def grouped(graph: Graph, operator: Operator) -> str | None:
    shape, weights = (graph.tensors[i].shape for i in operator.inputs[:2])
    if len(shape) == len(weights) == 4 and weights[3] < shape[3]:
        return "grouped convolution"
    return None


def many_vectors(graph: Graph, operator: Operator) -> str | None:
    size = graph.tensors[operator.inputs[0]].size
    weights = graph.tensors[operator.inputs[1]].shape
    if len(weights) == 2 and weights[1] and size > weights[1] and size % weights[1] == 0:
        return f"a dense layer over {size // weights[1]} vectors at once"
    return None


def scattered_axes(graph: Graph, operator: Operator) -> str | None:
    """A reduction over axes that lie apart more than once; four dimensions have no such."""
    if reduction(graph, operator) is None:
        shape = list(graph.tensors[operator.inputs[0]].shape)
        return f"the axes {sorted(reduced_axes(graph, operator))} of {shape}"
    return None


def paddings(graph: Graph, operator: Operator) -> str | None:
    pairs = graph.tensors[operator.inputs[1]].values
    if pairs.shape == (4, 2) and pairs[[0, 3]].any():
        return "padding of the batch or of channels"
    return None


def moves(graph: Graph, operator: Operator) -> str | None:
    shape = graph.tensors[operator.inputs[0]].shape
    order = transposition(graph, operator)
    moved = [axis for axis in order if axis < len(shape) and shape[axis] > 1]
    if moved != sorted(moved):
        return f"a transposition that moves data, {order} of {list(shape)}"
    return None


def strides(graph: Graph, operator: Operator) -> str | None:
    steps = graph.tensors[operator.inputs[3]].values.reshape(-1).tolist()
    if any(step != 1 for step in steps):
        return f"a slice with the strides {steps[:8]}"
    return None


def fused(graph: Graph, operator: Operator) -> str | None:
    if operator.options["fused_activation_function"] != "NONE":
        return "fused activation of a concatenation"
    return None


def unlike_shapes(graph: Graph, operator: Operator) -> str | None:
    """Neither operand is the other's shape or its last dimensions: none fits by repeating it."""
    shapes = [graph.tensors[i].shape for i in operator.operands]
    small, large = sorted(map(_bare, shapes), key=len)
    if large[len(large) - len(small) :] != small:
        return f"operands of the shapes {' and '.join(str(list(shape)) for shape in shapes)}"
    return None


def _bare(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without leading dimensions of one."""
    first = next((i for i, size in enumerate(shape) if size != 1), len(shape))
    return shape[first:]


def not_last(graph: Graph, operator: Operator) -> str | None:
    return None if operator is graph.operators[-1] else "a softmax before the end"
