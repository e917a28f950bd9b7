"""Convolutions and dense layers."""

from __future__ import annotations

import numpy as np

from edgetune.learn import operators as p
from edgetune.learn.program import Program
from edgetune.plan.c_data import CObject, Pointer, array_object, struct
from edgetune.plan.constants.layer import (
    I16,
    SHAPE,
    U16,
    U32,
    WINDOW,
    activation_range,
    layer_constants,
    shapes_of,
    window_of,
)

QUANTIZATION = struct(
    "et_quantization",
    (I16, "input_zero_point output_zero_point activation_min activation_max"),
    (Pointer("const int32_t"), "multiplier"), (Pointer("const int8_t"), "shift"),
)


def _channels(layer: p.WeightedLayer) -> list[CObject]:
    """The arrays with an item for each output channel."""
    return [
        array_object(f"{layer.name}_multiplier", layer.multiplier),
        array_object(f"{layer.name}_shift", layer.shift.astype(np.int8)),
    ]


def quantization_of(layer: p.WeightedLayer) -> str:
    """The ``et_quantization`` among its constants, in C."""
    further = isinstance(layer, p.DilatedConv2D | p.GroupedConv2D | p.DilatedDepthwiseConv2D)
    return f"{layer.name}.{'conv.' if further else ''}quantization"


def _quantization(layer: p.WeightedLayer) -> dict:
    return {
        "input_zero_point": layer.input_zero_point,
        "output_zero_point": layer.output_zero_point,
        **activation_range(layer),
        "multiplier": f"{layer.name}_multiplier", "shift": f"{layer.name}_shift",
    }


CONV_2D = struct(
    "et_conv_2d", (SHAPE, "in out"), (WINDOW, "window"), (QUANTIZATION, "quantization")
)
DEPTHWISE_CONV_2D = struct(
    "et_depthwise_conv_2d",
    (SHAPE, "in out"), (WINDOW, "window"), (QUANTIZATION, "quantization"), (U16, "multiplicity"),
)
DILATION = struct("et_dilation", (U16, "height width"))
CONV_2D_DILATED = struct("et_conv_2d_dilated", (CONV_2D, "conv"), (DILATION, "dilation"))
CONV_2D_GROUPED = struct(
    "et_conv_2d_grouped", (CONV_2D, "conv"), (DILATION, "dilation"), (U16, "groups")
)
DEPTHWISE_CONV_2D_DILATED = struct(
    "et_depthwise_conv_2d_dilated", (DEPTHWISE_CONV_2D, "conv"), (DILATION, "dilation")
)


def _convolution(layer: p.Conv2D | p.DepthwiseConv2D | p.TransposeConv, program: Program) -> dict:
    return shapes_of(layer, program) | {
        "window": window_of(layer.window), "quantization": _quantization(layer),
    }


@layer_constants.register(p.Conv2D)
@layer_constants.register(p.TransposeConv)
def _(layer, program, errors):
    parameters = CObject(layer.name, CONV_2D, _convolution(layer, program))
    return [*_channels(layer), parameters]


def _depthwise(layer: p.DepthwiseConv2D, program: Program) -> dict:
    return _convolution(layer, program) | {"multiplicity": layer.multiplicity}


@layer_constants.register
def _(layer: p.DepthwiseConv2D, program: Program, errors: bool) -> list[CObject]:
    parameters = CObject(layer.name, DEPTHWISE_CONV_2D, _depthwise(layer, program))
    return [*_channels(layer), parameters]


@layer_constants.register
def _(layer: p.DilatedConv2D, program: Program, errors: bool) -> list[CObject]:
    value = {"conv": _convolution(layer, program), "dilation": layer.window.dilation}
    return [*_channels(layer), CObject(layer.name, CONV_2D_DILATED, value)]


@layer_constants.register
def _(layer: p.GroupedConv2D, program: Program, errors: bool) -> list[CObject]:
    value = {
        "conv": _convolution(layer, program), "dilation": layer.window.dilation,
        "groups": layer.groups,
    }
    return [*_channels(layer), CObject(layer.name, CONV_2D_GROUPED, value)]


@layer_constants.register
def _(layer: p.DilatedDepthwiseConv2D, program: Program, errors: bool) -> list[CObject]:
    value = {"conv": _depthwise(layer, program), "dilation": layer.window.dilation}
    return [*_channels(layer), CObject(layer.name, DEPTHWISE_CONV_2D_DILATED, value)]


FULLY_CONNECTED = struct(
    "et_fully_connected", (U32, "in out"), (QUANTIZATION, "quantization")
)


@layer_constants.register
def _(layer: p.FullyConnected, program: Program, errors: bool) -> list[CObject]:
    return [*_channels(layer), CObject(layer.name, FULLY_CONNECTED, {
        "in": layer.row_size, "out": layer.rows, "quantization": _quantization(layer),
    })]
