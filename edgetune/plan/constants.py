"""The constants of each operator and of the update: the engine's structs, and their values.

Structs are written as ``firmware/engine/operators.h`` and ``update.h`` declare them, beside the
values that a layer gives them.  Plans take sizes from here and the generator takes text, so an
operator's tables are described in this file alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

import numpy as np

from edgetune.learn import operators as p
from edgetune.learn.digest import digest_base
from edgetune.learn.losses import (
    Loss,
    Reconstruction,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    SquaredError,
)
from edgetune.learn.program import Layer, Program, Window
from edgetune.learn.state import (
    NULL_MASS,
    bias_member,
    parameters_of,
    parameters_type,
    weights_member,
)
from edgetune.plan.c_data import SCALARS, Array, CObject, Pointer, array_object, struct

I8, I16, U16 = SCALARS["int8"], SCALARS["int16"], SCALARS["uint16"]
I32, U32 = SCALARS["int32"], SCALARS["uint32"]

SHAPE = struct("et_shape", (U16, "height width channels"))
WINDOW = struct("et_window", (U16, "kernel_h kernel_w stride_h stride_w pad_h pad_w"))
QUANTIZATION = struct(
    "et_quantization",
    (I16, "input_zero_point output_zero_point activation_min activation_max"),
    (Pointer("const int32_t"), "multiplier"), (Pointer("const int32_t"), "shift"),
)


Clipping = p.WeightedLayer | p.JoiningLayer | p.MaxPool2D | p.AveragePool2D


@singledispatch
def layer_constants(layer: Layer, program: Program, errors: bool) -> list[CObject]:
    """The tables of ``layer``, weights and biases apart; the last one has the layer's name.

    Args:
        errors: whether the step needs what the layer has for errors alone: the channels' ratios,
            a function's slopes.
    """
    raise TypeError(f"no constants for {type(layer).__name__}")


def _shapes(layer: Layer, program: Program) -> dict:
    activations = program.activations
    return {"in": activations[layer.input].shape, "out": activations[layer.output].shape}


def _window(window: Window) -> dict:
    return {
        "kernel_h": window.kernel[0], "kernel_w": window.kernel[1],
        "stride_h": window.stride[0], "stride_w": window.stride[1],
        "pad_h": window.pad[0], "pad_w": window.pad[1],
    }


def _activation_range(layer: Clipping) -> dict:
    return {"activation_min": layer.activation_min, "activation_max": layer.activation_max}


# ---- layers with weights


def _channels(layer: p.WeightedLayer, errors: bool) -> list[CObject]:
    """The arrays with an item for each output channel."""
    arrays = [
        array_object(f"{layer.name}_multiplier", layer.multiplier),
        array_object(f"{layer.name}_shift", layer.shift),
    ]
    if layer.ratio is None or not errors:
        return arrays
    note = "Weight scale of each channel over the largest one, Q15."
    return [*arrays, array_object(f"{layer.name}_ratio", layer.ratio, note)]


def _quantization(layer: p.WeightedLayer) -> dict:
    return {
        "input_zero_point": layer.input_zero_point,
        "output_zero_point": layer.output_zero_point,
        **_activation_range(layer),
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
    return _shapes(layer, program) | {
        "window": _window(layer.window), "quantization": _quantization(layer),
    }


@layer_constants.register(p.Conv2D)
@layer_constants.register(p.TransposeConv)
def _(layer, program, errors):
    parameters = CObject(layer.name, CONV_2D, _convolution(layer, program))
    return [*_channels(layer, errors), parameters]


def _depthwise(layer: p.DepthwiseConv2D, program: Program) -> dict:
    return _convolution(layer, program) | {"multiplicity": layer.multiplicity}


@layer_constants.register
def _(layer: p.DepthwiseConv2D, program: Program, errors: bool) -> list[CObject]:
    parameters = CObject(layer.name, DEPTHWISE_CONV_2D, _depthwise(layer, program))
    return [*_channels(layer, errors), parameters]


@layer_constants.register
def _(layer: p.DilatedConv2D, program: Program, errors: bool) -> list[CObject]:
    value = {"conv": _convolution(layer, program), "dilation": layer.window.dilation}
    return [*_channels(layer, errors), CObject(layer.name, CONV_2D_DILATED, value)]


@layer_constants.register
def _(layer: p.GroupedConv2D, program: Program, errors: bool) -> list[CObject]:
    value = {
        "conv": _convolution(layer, program), "dilation": layer.window.dilation,
        "groups": layer.groups,
    }
    return [*_channels(layer, errors), CObject(layer.name, CONV_2D_GROUPED, value)]


@layer_constants.register
def _(layer: p.DilatedDepthwiseConv2D, program: Program, errors: bool) -> list[CObject]:
    value = {"conv": _depthwise(layer, program), "dilation": layer.window.dilation}
    return [*_channels(layer, errors), CObject(layer.name, DEPTHWISE_CONV_2D_DILATED, value)]


FULLY_CONNECTED = struct(
    "et_fully_connected", (U32, "in out"), (QUANTIZATION, "quantization")
)


@layer_constants.register
def _(layer: p.FullyConnected, program: Program, errors: bool) -> list[CObject]:
    return [*_channels(layer, errors), CObject(layer.name, FULLY_CONNECTED, {
        "in": layer.row_size, "out": layer.rows, "quantization": _quantization(layer),
    })]


# ---- pooling and moving

POOL_2D = struct(
    "et_pool_2d",
    (SHAPE, "in out"), (WINDOW, "window"), (I16, "activation_min activation_max"),
)


@layer_constants.register(p.MaxPool2D)
@layer_constants.register(p.AveragePool2D)
def _(layer, program, errors):
    return [CObject(layer.name, POOL_2D, _shapes(layer, program) | {
        "window": _window(layer.window), **_activation_range(layer),
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
    return [CObject(layer.name, PAD, _shapes(layer, program) | {
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


# ---- functions of one value and joins


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
        "output_zero_point": layer.output_zero_point, **_activation_range(layer),
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


# ---- softmax, as operator and as loss

EXPONENTIAL = struct("et_exponential", (Pointer("const uint32_t"), "table"), (U32, "length"))


@layer_constants.register
def _(layer: p.Softmax, program: Program, errors: bool) -> list[CObject]:
    return exponential_constants(layer.name, layer.table)


LOG_SOFTMAX = struct(
    "et_log_softmax",
    (EXPONENTIAL, "exponential"), (I32, "multiplier shift back_multiplier back_shift least"),
)


@layer_constants.register
def _(layer: p.LogSoftmax, program: Program, errors: bool) -> list[CObject]:
    values = array_object(f"{layer.name}_table", layer.table)
    return [values, CObject(layer.name, LOG_SOFTMAX, {
        "exponential": {"table": values.name, "length": len(layer.table)},
        "multiplier": layer.forth[0], "shift": layer.forth[1],
        "back_multiplier": layer.back[0], "back_shift": layer.back[1],
        "least": -layer.least - 1,
    })]


SOFTMAX_ROWS = struct(
    "et_softmax_rows", (EXPONENTIAL, "exponential"), (U32, "rows classes")
)


@layer_constants.register
def _(layer: p.SoftmaxRows, program: Program, errors: bool) -> list[CObject]:
    values = array_object(f"{layer.name}_table", layer.table)
    return [values, CObject(layer.name, SOFTMAX_ROWS, {
        "exponential": {"table": values.name, "length": len(layer.table)},
        "rows": layer.rows, "classes": layer.classes,
    })]


def exponential_constants(name: str, table: np.ndarray) -> list[CObject]:
    """An ``et_exponential`` called ``name``, after its table."""
    values = array_object(f"{name}_table", table)
    return [values, CObject(name, EXPONENTIAL, {"table": values.name, "length": len(table)})]


# ---- losses

BINARY = struct("et_binary", (U16, "one zero"))
SOFTMAX_CROSS_ENTROPY = struct(
    "et_softmax_cross_entropy",
    (Pointer("const et_exponential"), "exponential"), (BINARY, "target"),
    (Pointer("const uint16_t"), "weights"),
)
SIGMOID_CROSS_ENTROPY = struct(
    "et_sigmoid_cross_entropy",
    (Pointer("const uint16_t"), "probabilities"), (BINARY, "target"),
    (Pointer("const uint16_t"), "weights"),
)
SQUARED_ERROR = struct("et_squared_error", (I32, "limit"), (Pointer("const int16_t"), "input"))


def loss_constants(loss: Loss, shared: p.Softmax | None) -> list[CObject]:
    """``loss`` after its tables; ``shared``: the SOFTMAX whose exponentials it uses."""
    if isinstance(loss, SquaredError):
        return _squared_error(loss)
    assert isinstance(loss, SigmoidCrossEntropy | SoftmaxCrossEntropy)
    weights = [] if loss.weights is None else [array_object("loss_weights", loss.weights)]
    if isinstance(loss, SigmoidCrossEntropy):
        ctype = SIGMOID_CROSS_ENTROPY
        tables = [array_object("loss_probabilities", loss.probabilities)]
        first = {"probabilities": "loss_probabilities"}
    else:
        tables, ctype = [], SOFTMAX_CROSS_ENTROPY
        first = {"exponential": f"&{shared.name if shared else 'loss_exponential'}"}
        if shared is None:
            tables = exponential_constants("loss_exponential", loss.table)
    value = first | {
        "target": {"one": loss.one, "zero": loss.zero},
        "weights": "loss_weights" if weights else 0,
    }
    return [*tables, *weights, CObject("loss", ctype, value)]


def _squared_error(loss: SquaredError) -> list[CObject]:
    tables = [array_object("loss_input", loss.table)] if isinstance(loss, Reconstruction) else []
    value = {"limit": loss.limit, "input": "loss_input" if tables else 0}
    return [*tables, CObject("loss", SQUARED_ERROR, value)]


# ---- not of one layer


def activation_constants(program: Program) -> list[CObject]:
    """The activations that the model itself brings."""
    return [
        array_object(f"constant_{index}", activation.constant)
        for index, activation in enumerate(program.activations)
        if activation.constant is not None
    ]


TRAINED = struct(
    "et_trained",
    (U32, "rows row_size row_stride column_stride limit_q8 first_index"),
    (Pointer("int8_t"), "weights"), (Pointer("int32_t"), "bias"),
    (Pointer(NULL_MASS.ctype), "null_mass"),
)


def trained_constants(
    trained: Sequence[p.WeightedLayer], limits_q8: list[int], weights: bool = True
) -> list[CObject]:
    """The table of the trained layers, which points into the state block; none without any.

    Args:
        weights: whether theirs learn; else their rows hold the biases alone.
    """
    if not trained:
        return []
    rows = tuple(
        _trained(layer, limit, first, index, weights)
        for index, (layer, limit, first) in enumerate(
            zip(trained, limits_q8, digest_base(trained, weights))
        )
    )
    return [CObject("trained", Array(TRAINED, len(rows)), rows)]


def _trained(
    layer: p.WeightedLayer, limit_q8: int, first_index: int, index: int, weights: bool
) -> dict:
    depthwise = isinstance(layer, p.DepthwiseConv2D)  # channels last
    row_stride, column_stride = (1, layer.rows) if depthwise else (layer.row_size, 1)
    return {
        "rows": layer.rows, "row_size": layer.row_size if weights else 0,
        "row_stride": row_stride, "column_stride": column_stride,
        "limit_q8": limit_q8, "first_index": first_index,
        "weights": f"state.parameters.{weights_member(layer)}" if weights else 0,
        "bias": f"state.parameters.{bias_member(layer)}",
        "null_mass": f"&state.{NULL_MASS.member}[{index}]",
    }


def frozen_constants(
    layers: Sequence[p.WeightedLayer], trained: Sequence[p.WeightedLayer], weights: bool = True
) -> list[CObject]:
    """What stays in flash of ``layers``: weights and biases of those not ``trained``, and where
    ``weights`` do not learn those of all."""
    learning = set(parameters_type(trained, weights).names or ())
    return [
        constant for layer in layers for constant in parameter_constants(layer)
        if constant.name not in learning
    ]


def parameter_constants(layer: p.WeightedLayer, weights: bool = True) -> list[CObject]:
    """Its weights, unless ``weights`` is false, and its biases as arrays."""
    return [array_object(*item) for item in parameters_of(layer, weights).items()]
