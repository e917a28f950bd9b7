"""What the constants of all layers share: shapes, windows, ranges; and how one asks for them."""

from __future__ import annotations

from functools import singledispatch

from edgetune.learn import operators as p
from edgetune.learn.program import Layer, Program, Window
from edgetune.plan.c_data import SCALARS, CObject, struct

U8 = SCALARS["uint8"]
I16, U16 = SCALARS["int16"], SCALARS["uint16"]
I32, U32 = SCALARS["int32"], SCALARS["uint32"]

SHAPE = struct("et_shape", (U16, "height width channels"))
WINDOW = struct("et_window", (U16, "kernel_h kernel_w stride_h stride_w pad_h pad_w"))

Clipping = p.WeightedLayer | p.JoiningLayer | p.MaxPool2D | p.AveragePool2D


@singledispatch
def layer_constants(layer: Layer, program: Program, errors: bool) -> list[CObject]:
    """The tables of ``layer``, weights and biases apart; the last one has the layer's name.

    Args:
        errors: whether the step needs what the layer has for errors alone: a function's slopes.
    """
    raise TypeError(f"no constants for {type(layer).__name__}")


def shapes_of(layer: Layer, program: Program) -> dict:
    """``in`` and ``out``."""
    activations = program.activations
    return {"in": activations[layer.input].shape, "out": activations[layer.output].shape}


def window_of(window: Window) -> dict:
    """An ``et_window``."""
    return {
        "kernel_h": window.kernel[0], "kernel_w": window.kernel[1],
        "stride_h": window.stride[0], "stride_w": window.stride[1],
        "pad_h": window.pad[0], "pad_w": window.pad[1],
    }


def activation_range(layer: Clipping) -> dict:
    """``activation_min`` and ``activation_max``."""
    return {"activation_min": layer.activation_min, "activation_max": layer.activation_max}
