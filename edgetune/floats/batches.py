"""Activations whose first dimension counts other things than samples, between operators that only
give values a place: Keras's TimeDistributed turns [1, time, ...] into [time, 1, ...].

The float Graph's first dimension is the batch, so such operators are written for flat rows,
[1, n], with the same elements.  Where others read those activations, they stay and are refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from edgetune.floats.supported import MAX_RANK
from edgetune.model.graph import Operator
from edgetune.model.kinds import MOVED, VIEWS
from edgetune.model.moves import places_of
from edgetune.model.rewrite import Rewriter


def lay_flat(rewriter: Rewriter) -> None:
    """Writes moves and concatenations of such activations for flat rows, and the activations as
    such rows."""
    for op in [op for op in rewriter.operators if op.is_complete]:
        if op.kind in MOVED and _counts_others(rewriter, (op.inputs[0], *op.outputs)):
            _move(rewriter, op)
        elif op.kind == "CONCATENATION" and _joins_others(rewriter, op):
            _join(rewriter, op)
    ends = {*rewriter.inputs, *rewriter.outputs}
    for tensor in rewriter.tensors:
        if tensor.data is None and tensor.index not in ends and _counts_others(
            rewriter, [tensor.index]
        ) and _is_placed(rewriter, tensor.index):
            tensor.shape = (1, tensor.size)


def _joins_others(rewriter: Rewriter, op: Operator) -> bool:
    shape = rewriter.shape(op.outputs[0])
    long = len(shape) > MAX_RANK and min(shape) > 0
    return long or _counts_others(rewriter, (*op.inputs, *op.outputs))


def _counts_others(rewriter: Rewriter, tensors: Iterable[int]) -> bool:
    shapes = [rewriter.shape(i) for i in tensors if rewriter.data(i) is None]
    return all(min(shape, default=0) > 0 for shape in shapes) and any(
        shape[0] != 1 for shape in shapes
    )


def _is_placed(rewriter: Rewriter, tensor: int) -> bool:
    touching = [rewriter.producer(tensor), *rewriter.readers(tensor)]
    return all(op is not None and op.kind in VIEWS for op in touching)


def _move(rewriter: Rewriter, op: Operator) -> None:
    """As a RESHAPE where values stay, a SLICE of the row where they lie side by side, else a
    GATHER."""
    x, output = op.inputs[0], op.outputs[0]
    shape, wanted = rewriter.shape(x), rewriter.shape(output)
    constants = [rewriter.data(i) for i in op.inputs[1:]]
    try:
        found = places_of(op.kind, shape, op.options, [c for c in constants if c is not None])[0]
    except (ValueError, TypeError):
        return  # to be refused
    if found.shape != wanted:
        return
    taken, size = found.reshape(-1), math.prod(shape)
    name = rewriter.tensors[output].name
    row = _reshaped(rewriter, op, x, (1, size))
    begin, count = int(taken[0]), len(taken)
    part = rewriter.activation(f"{name}/part", (1, count))
    if np.array_equal(taken, np.arange(begin, begin + count)):
        bounds = [np.array([0, begin], np.int32), np.array([1, count], np.int32)]
        kind, options = "SLICE", {}
    else:
        bounds, kind = [taken.astype(np.int32)], "GATHER"
        options = {"axis": 1, "batch_dims": 0}
    numbers = [rewriter.constant(f"{name}/{i}", values) for i, values in enumerate(bounds)]
    rewriter.insert(op, kind, (row, *numbers), (part,), options)
    op.kind, op.inputs, op.options = "RESHAPE", (part,), {}


def _join(rewriter: Rewriter, op: Operator) -> None:
    """Chunks of each operand in turn, as often as the dimensions before the axis count."""
    output = op.outputs[0]
    shape, axis = rewriter.shape(output), op.options["axis"]
    shapes = [rewriter.shape(i) for i in op.inputs]
    if not -len(shape) <= axis < len(shape) or any(len(s) != len(shape) for s in shapes):
        return
    outer = math.prod(shape[: axis % len(shape)])
    if any(math.prod(s) % outer for s in shapes) or sum(map(math.prod, shapes)) != math.prod(shape):
        return
    rows = [(1, outer, math.prod(s) // outer) for s in shapes]
    op.inputs = tuple(_reshaped(rewriter, op, i, row) for i, row in zip(op.inputs, rows))
    op.options = dict(op.options, axis=2)
    joined = rewriter.activation(
        f"{rewriter.tensors[output].name}/joined", (1, outer, math.prod(shape) // outer)
    )
    op.outputs = (joined,)
    rewriter.insert_after(op, "RESHAPE", (joined,), (output,))


def _reshaped(rewriter: Rewriter, op: Operator, index: int, shape: tuple[int, ...]) -> int:
    """An operand of ``op`` in another shape."""
    tensor = rewriter.tensors[index]
    if tensor.data is not None:
        return rewriter.constant(tensor.name, tensor.data.reshape(shape))
    result = rewriter.activation(f"{tensor.name}/row", shape)
    rewriter.insert(op, "RESHAPE", (index,), (result,))
    return result
