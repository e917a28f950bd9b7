"""Pools, reductions, padding, and what moves values."""

from __future__ import annotations

from edgetune.learn import operators as p
from edgetune.learn.program import Program
from edgetune.plan.c_data import Array, CObject, Pointer, array_object, struct
from edgetune.plan.constants.layer import (
    I16,
    I32,
    SHAPE,
    U16,
    U32,
    WINDOW,
    activation_range,
    layer_constants,
    shapes_of,
    window_of,
)

POOL_2D = struct(
    "et_pool_2d",
    (SHAPE, "in out"), (WINDOW, "window"), (I16, "activation_min activation_max"),
)


@layer_constants.register(p.MaxPool2D)
@layer_constants.register(p.AveragePool2D)
def _(layer, program, errors):
    return [CObject(layer.name, POOL_2D, shapes_of(layer, program) | {
        "window": window_of(layer.window), **activation_range(layer),
    })]


REDUCTION = struct("et_reduction", (U32, "outer rows inner columns"))
MEAN = struct(
    "et_mean",
    (REDUCTION, "over"), (I16, "input_zero_point output_zero_point"), (I32, "multiplier shift"),
)


def _lengths(layer: p.Reduction) -> dict:
    return {
        "outer": layer.outer, "rows": layer.rows, "inner": layer.inner, "columns": layer.columns,
    }


@layer_constants.register
def _(layer: p.ReduceMax, program: Program, errors: bool) -> list[CObject]:
    return [CObject(layer.name, REDUCTION, _lengths(layer))]


@layer_constants.register
def _(layer: p.Mean, program: Program, errors: bool) -> list[CObject]:
    return [CObject(layer.name, MEAN, {
        "over": _lengths(layer),
        "input_zero_point": layer.input_zero_point,
        "output_zero_point": layer.output_zero_point,
        "multiplier": layer.multiplier, "shift": layer.shift,
    })]


PAD = struct("et_pad", (SHAPE, "in out"), (U16, "before_h before_w before_c"), (I16, "value"))


@layer_constants.register
def _(layer: p.Pad, program: Program, errors: bool) -> list[CObject]:
    return [CObject(layer.name, PAD, shapes_of(layer, program) | {
        "before_h": layer.before[0], "before_w": layer.before[1], "before_c": layer.before[2],
        "value": layer.value,
    })]


AXIS = struct("et_axis", (U32, "count"), (I32, "x_step y_step"))
MOVE = struct(
    "et_move",
    (U32, "in begin distinct repeated"), (AXIS, "run"), (Pointer("const et_axis"), "axes"),
)


def _axis(axis: p.Axis) -> dict:
    return {"count": axis.turns, "x_step": axis.x_step, "y_step": axis.y_step}


@layer_constants.register
def _(layer: p.Move, program: Program, errors: bool) -> list[CObject]:
    *outer, run = layer.kept
    axes = tuple(map(_axis, (*outer, *layer.repeated)))
    name = f"{layer.name}_axes"
    table = [CObject(name, Array(AXIS, len(axes)), axes)] if axes else []
    return [*table, CObject(layer.name, MOVE, {
        "in": program.activations[layer.input].size, "begin": layer.begin,
        "distinct": len(outer), "repeated": len(layer.repeated),
        "run": _axis(run), "axes": name if axes else 0,
    })]


GATHER = struct(
    "et_gather",
    (U32, "outer sources count chunk"),
    (Pointer("const uint32_t"), "readers"), (Pointer("const uint32_t"), "first"),
)


@layer_constants.register
def _(layer: p.Gather, program: Program, errors: bool) -> list[CObject]:
    readers, first = (
        array_object(f"{layer.name}_{name}", values)
        for name, values in zip(("readers", "first"), layer.readers)
    )
    return [readers, first, CObject(layer.name, GATHER, {
        "outer": layer.outer, "sources": layer.sources, "count": len(layer.indices),
        "chunk": layer.chunk, "readers": readers.name, "first": first.name,
    })]


INTERPOLATION = struct("et_interpolation", (U16, "in out"), (I32, "step first"))
RESIZE_BILINEAR = struct(
    "et_resize_bilinear",
    (INTERPOLATION, "rows columns"), (U16, "channels error_shift"),
)


@layer_constants.register
def _(layer: p.ResizeBilinear, program: Program, errors: bool) -> list[CObject]:
    return [CObject(layer.name, RESIZE_BILINEAR, {
        "rows": tuple(layer.rows), "columns": tuple(layer.columns),
        "channels": program.activations[layer.input].shape[2], "error_shift": layer.error_shift,
    })]
