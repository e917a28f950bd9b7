"""Shapes that a model works out as it runs, worked out once.

Keras's Flatten and Reshape leave SHAPE, STRIDED_SLICE, PACK and RESHAPE in the file when the
batch was open.  With a batch of one they are constants.
"""

from __future__ import annotations

import numpy as np

from edgetune.model.graph import Operator
from edgetune.model.rewrite import Rewriter

INTEGERS = ("int32", "int64")
MAX_VALUES = 64


def fold_shape_arithmetic(rewriter: Rewriter) -> None:
    """Replaces integer operators whose operands are known by their values."""
    for op in list(rewriter.operators):
        values = _value(rewriter, op)
        if values is not None and values.size <= MAX_VALUES:
            output = rewriter.tensors[op.outputs[0]]
            output.data = np.asarray(values, output.dtype)
            output.shape = output.data.shape
            rewriter.remove(op)


def _value(rewriter: Rewriter, op: Operator) -> np.ndarray | None:
    """What ``op`` always yields; None where that is not known or of no concern here."""
    if op.kind not in FOLDERS or len(op.outputs) != 1 or -1 in op.inputs or not op.inputs:
        return None
    if rewriter.tensors[op.outputs[0]].dtype not in INTEGERS:
        return None
    return FOLDERS[op.kind](rewriter, op)


def _shape(rewriter, op) -> np.ndarray | None:
    shape = rewriter.shape(op.inputs[0])
    return np.array(shape) if min(shape, default=1) > 0 else None


def _strided_slice(rewriter, op) -> np.ndarray | None:
    operands = [rewriter.data(i) for i in op.inputs]
    if len(operands) != 4 or any(d is None or d.ndim != 1 for d in operands):
        return None
    data, *bounds = operands
    if any(len(b) != 1 for b in bounds) or bounds[2][0] == 0:
        return None
    begin, end, step = (int(b[0]) for b in bounds)
    if op.options["shrink_axis_mask"] & 1:
        return data[begin] if -len(data) <= begin < len(data) else None
    return data[
        None if op.options["begin_mask"] & 1 else begin
        : None if op.options["end_mask"] & 1 else end
        : step
    ]


def _pack(rewriter, op) -> np.ndarray | None:
    parts = [rewriter.data(i) for i in op.inputs]
    if any(p is None or p.size != 1 for p in parts):
        return None
    return np.array([p.reshape(-1)[0] for p in parts])


FOLDERS = {"SHAPE": _shape, "STRIDED_SLICE": _strided_slice, "PACK": _pack}
