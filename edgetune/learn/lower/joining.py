"""Lowering of what joins branches: ADD, SUB, MUL and CONCATENATION.

Scales are float32 in TFLite's kernels, and MUL's factor is worked out in float32 throughout.
"""

from __future__ import annotations

import math

import numpy as np

from edgetune.learn.fixedpoint import quantize_multiplier
from edgetune.learn.lower.tensors import Tensors
from edgetune.learn.operators import Add, Concatenation, Mul, Term
from edgetune.model.graph import Operator

LEFT_SHIFT = 20  # of the operands of a sum


def _large_first(tensors: Tensors, op: Operator) -> tuple[int, int]:
    """Places of the operands, the one that repeats last."""
    sizes = [tensors.graph.tensors[i].size for i in op.inputs]
    return (0, 1) if sizes[0] >= sizes[1] else (1, 0)


def _sum(tensors: Tensors, op: Operator) -> None:
    order = _large_first(tensors, op)
    scales = [tensors.scale(i) for i in op.inputs]
    twice = 2 * max(scales)
    signs = (1, -1 if op.kind == "SUB" else 1)
    large, small = (
        Term(tensors.zero_point(op.inputs[i]), *quantize_multiplier(scales[i] / twice), signs[i])
        for i in order
    )
    scale = twice / ((1 << LEFT_SHIFT) * tensors.scale(op.outputs[0]))
    place, tail = _place_and_tail(tensors, op, order, scale)
    tensors.layers.append(Add(*place, *tail, (large, small)))


def _product(tensors: Tensors, op: Operator) -> None:
    order = _large_first(tensors, op)
    one, other, output = (
        np.float32(tensors.scale(i)) for i in (*op.inputs, op.outputs[0])
    )
    with np.errstate(under="ignore"):
        scale = float(one * other / output)
    large, small = (tensors.zero_point(op.inputs[i]) for i in order)
    place, tail = _place_and_tail(tensors, op, order, scale)
    tensors.layers.append(Mul(*place, *tail, (large, small)))


def _place_and_tail(
    tensors: Tensors, op: Operator, order: tuple[int, int], scale: float
) -> tuple[tuple[str, int, int, int, int], tuple[int, int, int, int, int]]:
    """The fields that sums and products share: the layer's place, and its requantisation."""
    low, high, clip = tensors.range(op)
    other = tensors.index(op.inputs[order[1]])
    place = (*tensors.place(op, clip, order[0]), other)
    return place, (*quantize_multiplier(scale), tensors.zero_point(op.outputs[0]), low, high)


def _concatenation(tensors: Tensors, op: Operator) -> None:
    shapes = [tensors.graph.tensors[i].shape for i in op.inputs]
    axis = op.options["axis"] % len(shapes[0])
    outer = math.prod(shapes[0][:axis])
    chunks = tuple(math.prod(shape[axis:]) for shape in shapes)
    others = tuple(tensors.index(i) for i in op.inputs[1:])
    tensors.layers.append(Concatenation(*tensors.place(op), others, outer, chunks))


LOWERINGS = {
    "ADD": _sum, "SUB": _sum, "MUL": _product, "CONCATENATION": _concatenation,
}
