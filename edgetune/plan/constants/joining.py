"""Functions of one value, and operators of several operands."""

from __future__ import annotations

import numpy as np

from edgetune.learn import operators as p
from edgetune.learn.program import Program
from edgetune.plan.c_data import Array, CObject, Pointer, array_object, struct
from edgetune.plan.constants.layer import (
    I16,
    I32,
    U32,
    activation_range,
    layer_constants,
)


@layer_constants.register
def _(layer: p.Lookup, program: Program, errors: bool) -> list[CObject]:
    table = array_object(layer.name, layer.table)
    if not errors:
        return [table]
    note = "The function's slope at each input, the steepest 2**14."
    return [table, array_object(f"{layer.name}_slopes", layer.slopes, note)]


TERM = struct("et_term", (I16, "zero_point sign"), (I32, "multiplier shift"))
ADD = struct(
    "et_add",
    (U32, "count period"), (Array(TERM, 2), "terms"), (I32, "multiplier shift"),
    (I16, "output_zero_point activation_min activation_max"),
)
MUL = struct(
    "et_mul",
    (U32, "count period"), (Array(I16, 2), "zero_points"), (I32, "multiplier shift"),
    (I16, "output_zero_point activation_min activation_max"),
)


def _joined(layer: p.Add | p.Mul, program: Program, own: dict) -> dict:
    """What ADD and MUL share around what each has alone."""
    count, period = (program.activations[index].size for index in layer.inputs)
    return {"count": count, "period": period, **own} | {
        "multiplier": layer.multiplier, "shift": layer.shift,
        "output_zero_point": layer.output_zero_point, **activation_range(layer),
    }


@layer_constants.register
def _(layer: p.Add, program: Program, errors: bool) -> list[CObject]:
    return [CObject(layer.name, ADD, _joined(layer, program, {"terms": _terms(layer)}))]


@layer_constants.register
def _(layer: p.Mul, program: Program, errors: bool) -> list[CObject]:
    own = {"zero_points": layer.zero_points}
    return [CObject(layer.name, MUL, _joined(layer, program, own))]


SQUARED_DIFFERENCE = struct(
    "et_squared_difference",
    (U32, "count"), (Array(TERM, 2), "terms"), (I32, "multiplier shift"),
    (I16, "output_zero_point"),
)


def _terms(layer: p.Add | p.SquaredDifference) -> tuple:
    return tuple((t.zero_point, t.sign, t.multiplier, t.shift) for t in layer.terms)


@layer_constants.register
def _(layer: p.SquaredDifference, program: Program, errors: bool) -> list[CObject]:
    return [CObject(layer.name, SQUARED_DIFFERENCE, {
        "count": program.activations[layer.input].size, "terms": _terms(layer),
        "multiplier": layer.multiplier, "shift": layer.shift,
        "output_zero_point": layer.output_zero_point,
    })]


EXTREME = struct("et_extreme", (U32, "count"), (I16, "sign"))


@layer_constants.register
def _(layer: p.Extreme, program: Program, errors: bool) -> list[CObject]:
    count = program.activations[layer.input].size
    return [CObject(layer.name, EXTREME, {"count": count, "sign": layer.sign})]


PRELU = struct(
    "et_prelu",
    (U32, "count period"), (I32, "above_multiplier above_shift below_multiplier below_shift"),
    (I16, "input_zero_point slope_zero_point output_zero_point one"),
    (Pointer("const int8_t"), "slopes"), (Pointer("const int16_t"), "derivatives"),
)


@layer_constants.register
def _(layer: p.Prelu, program: Program, errors: bool) -> list[CObject]:
    slopes = array_object(f"{layer.name}_slopes", layer.slopes)
    derivatives = array_object(f"{layer.name}_derivatives", layer.derivatives)
    start, zero, end = layer.zero_points
    return [slopes, *[derivatives][: int(errors)], CObject(layer.name, PRELU, {
        "count": program.activations[layer.input].size, "period": len(layer.slopes),
        "above_multiplier": layer.above[0], "above_shift": layer.above[1],
        "below_multiplier": layer.below[0], "below_shift": layer.below[1],
        "input_zero_point": start, "slope_zero_point": zero, "output_zero_point": end,
        "one": layer.one, "slopes": slopes.name,
        "derivatives": derivatives.name if errors else 0,
    })]


CONCATENATION = struct(
    "et_concatenation", (U32, "outer inputs"), (Pointer("const uint32_t"), "chunks")
)


@layer_constants.register
def _(layer: p.Concatenation, program: Program, errors: bool) -> list[CObject]:
    chunks = array_object(f"{layer.name}_chunks", np.array(layer.chunks, np.uint32))
    return [chunks, CObject(layer.name, CONCATENATION, {
        "outer": layer.outer, "inputs": len(layer.chunks), "chunks": chunks.name,
    })]
