"""Lowering of what moves no value, or only crops: views and slices."""

from __future__ import annotations

from edgetune.learn.lower.tensors import Tensors, activation_shape
from edgetune.learn.operators import StridedSlice
from edgetune.model.graph import Operator
from edgetune.model.shapes import slice_bounds


def _view(tensors: Tensors, op: Operator) -> None:
    tensors.view(op.outputs[0], op.inputs[0])


def _strided_slice(tensors: Tensors, op: Operator) -> None:
    first = [begin for begin, _ in slice_bounds(tensors.graph, op)[1:]]
    row, column, channel = [0] * (3 - len(first)) + first
    sizes = [activation_shape(tensors.graph.tensors[i].shape)
             for i in (op.inputs[0], op.outputs[0])]
    source = tensors.activation(op.inputs[0])
    place = tensors.place(op, (source.clip_low, source.clip_high))
    tensors.layers.append(StridedSlice(*place, sizes[0], (row, column, channel), sizes[1]))


LOWERINGS = {
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE"), _view),
    "STRIDED_SLICE": _strided_slice,
}
