"""Operators that do the same at every moment of time: how many moments of their input one of their
output takes further back."""

from __future__ import annotations

import math

import numpy as np

from edgetune.model.graph import Graph, Operator
from edgetune.model.kinds import BRIDGES, DECIDED_BY_ONE, ELEMENTWISE, JOINING, REDUCING, VIEWS
from edgetune.model.moves import places_of

CROPS = ("STRIDED_SLICE", "SLICE")
KERNELS = ("CONV_2D", "DEPTHWISE_CONV_2D")
POOLS = ("MAX_POOL_2D", "AVERAGE_POOL_2D")
SAME = 1  # stride


def through(graph: Graph, op: Operator, operand: int, axis: int) -> tuple[int, int] | None:
    """The axis of time of tensor ``operand`` and the stride along it, where ``axis`` is that of the
    output; None where moments are not treated alike, or operands lack."""
    try:
        return _through(graph, op, operand, axis)
    except (IndexError, KeyError):
        return None


def _through(graph: Graph, op: Operator, operand: int, axis: int) -> tuple[int, int] | None:
    rank = len(graph.tensors[op.outputs[0]].shape)
    if op.kind in (*ELEMENTWISE, *BRIDGES) or op.kind in DECIDED_BY_ONE:
        return _each_value(graph, op, operand, axis)
    if op.kind in (*KERNELS, *POOLS):
        return _windows(graph, op, axis)
    if op.kind in VIEWS:
        return _view(graph, op, axis)
    if op.kind == "SOFTMAX" or op.kind == "FULLY_CONNECTED" and op.options["keep_num_dims"]:
        return (axis, SAME) if axis < rank - 1 else None
    if op.kind == "CONCATENATION":
        return (axis, SAME) if op.options["axis"] % rank != axis else None
    if op.kind in CROPS:
        return (axis, SAME) if rows_taken(graph, op, axis) else None
    if op.kind in (*REDUCING, "SPLIT", "SPLIT_V"):
        return _other_axes(graph, op, axis)
    return None


def rows_taken(graph: Graph, op: Operator, axis: int) -> slice | None:
    """Of a crop of ``axis`` alone, which rows; else None."""
    shape = graph.tensors[op.inputs[0]].shape
    constants = [graph.tensors[i].data if i >= 0 else None for i in op.inputs[1:]]
    if any(data is None for data in constants) or len(op.outputs) != 1:
        return None
    try:
        (taken,) = places_of(op.kind, shape, op.options, [c for c in constants if c is not None])
    except ValueError:
        return None
    if taken.ndim != len(shape) or not taken.size or axis >= len(shape):
        return None
    start = int(taken.reshape(-1)[0]) // math.prod(shape[axis + 1 :])
    rows = slice(start, start + taken.shape[axis])
    every = np.arange(math.prod(shape)).reshape(shape)
    same = np.array_equal(taken, every[(*[slice(None)] * axis, rows)])
    return rows if same else None


def _each_value(graph: Graph, op: Operator, operand: int, axis: int) -> tuple[int, int] | None:
    rank = len(graph.tensors[op.outputs[0]].shape)
    for tensor in (graph.tensors[i] for i in op.inputs if op.kind in JOINING):
        place = axis - rank + len(tensor.shape)
        if tensor.data is not None and place >= 0 and tensor.shape[place] != 1:
            return None  # a constant that differs from moment to moment
    place = axis - rank + len(graph.tensors[operand].shape)
    return (place, SAME) if place > 0 else None


def _windows(graph: Graph, op: Operator, axis: int) -> tuple[int, int] | None:
    """Where nothing is padded along the axis."""
    if axis not in (1, 2):
        return None
    letter, name = ("h", "height") if axis == 1 else ("w", "width")
    if op.kind in POOLS:
        length = op.options[f"filter_{name}"]
    else:
        shape = graph.tensors[op.inputs[1]].shape
        length = shape[axis] if len(shape) == 4 else 0
    alone = op.options["padding"] == "VALID" or length == 1
    return (axis, op.options[f"stride_{letter}"]) if alone else None


def _view(graph: Graph, op: Operator, axis: int) -> tuple[int, int] | None:
    """Moments lie one behind another in memory, before and after."""
    source, result = (graph.tensors[i].shape for i in (op.inputs[0], op.outputs[0]))
    count = result[axis]
    if math.prod(result[:axis]) != 1:
        return None
    found = [
        place for place in range(1, len(source))
        if source[place] == count and math.prod(source[:place]) == 1
    ]
    if not found:
        return None
    return (axis if axis in found else found[0]), SAME


def _other_axes(graph: Graph, op: Operator, axis: int) -> tuple[int, int] | None:
    """A reduction that keeps its axes, or a split, along others."""
    rank = len(graph.tensors[op.outputs[0]].shape)
    place = {"SPLIT": 0, "SPLIT_V": 2}.get(op.kind, 1)
    axes = graph.tensors[op.inputs[place]].data
    if axes is None or op.kind in REDUCING and not op.options["keep_dims"]:
        return None
    taken = {int(a) % rank for a in axes.reshape(-1)}
    return (axis, SAME) if axis not in taken else None
