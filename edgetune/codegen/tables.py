"""The constant tables of each operator: shapes, quantisation, lookup tables."""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from edgetune.codegen.c_text import array, struct
from edgetune.learn import operators as p
from edgetune.learn.program import Layer, Window
from edgetune.plan.plan import Plan


@singledispatch
def tables(layer: Layer, plan: Plan) -> str:
    """C text that defines the parameters of ``layer`` under its own name."""
    raise TypeError(f"no C tables for {type(layer).__name__}")


def _shapes(layer: Layer, plan: Plan) -> dict:
    activations = plan.program.activations
    return {"in": activations[layer.input].shape, "out": activations[layer.output].shape}


def constants(plan: Plan) -> str:
    """The activations that the model itself brings."""
    return "".join(
        array(f"constant_{index}", activation.constant)
        for index, activation in enumerate(plan.program.activations)
        if activation.constant is not None
    )


def _window(window: Window) -> dict:
    return {
        "kernel_h": window.kernel[0], "kernel_w": window.kernel[1],
        "stride_h": window.stride[0], "stride_w": window.stride[1],
        "pad_h": window.pad[0], "pad_w": window.pad[1],
    }


def _weighted(layer: p.WeightedLayer, plan: Plan) -> tuple[str, dict]:
    text = array(f"{layer.name}_multiplier", layer.multiplier)
    text += array(f"{layer.name}_shift", layer.shift)
    if plan.scales_error(layer):
        text += "/* Weight scale of each channel over the largest one, Q15. */\n"
        text += array(f"{layer.name}_ratio", layer.ratio)
    return text, {
        "input_zero_point": layer.input_zero_point,
        "output_zero_point": layer.output_zero_point,
        "activation_min": layer.activation_min,
        "activation_max": layer.activation_max,
        "multiplier": f"{layer.name}_multiplier",
        "shift": f"{layer.name}_shift",
    }


def _convolution(layer: p.Conv2D | p.DepthwiseConv2D, plan: Plan) -> tuple[str, dict]:
    text, quantization = _weighted(layer, plan)
    fields = _shapes(layer, plan) | {
        "window": _window(layer.window), "quantization": quantization,
    }
    if isinstance(layer, p.DepthwiseConv2D):
        fields["multiplicity"] = layer.multiplicity
    return text, fields


@tables.register(p.Conv2D)
@tables.register(p.DepthwiseConv2D)
def _(layer, plan: Plan):
    text, fields = _convolution(layer, plan)
    return text + struct(f"et_{layer.kind}", layer.name, fields)


@tables.register(p.DilatedConv2D)
@tables.register(p.DilatedDepthwiseConv2D)
def _(layer, plan: Plan):
    text, fields = _convolution(layer, plan)
    fields = {"conv": fields, "dilation": layer.window.dilation}
    return text + struct(f"et_{layer.kind}", layer.name, fields)


@tables.register
def _(layer: p.FullyConnected, plan: Plan):
    text, quantization = _weighted(layer, plan)
    fields = {"in": layer.row_size, "out": layer.rows, "quantization": quantization}
    return text + struct("et_fully_connected", layer.name, fields)


@tables.register(p.MaxPool2D)
@tables.register(p.AveragePool2D)
def _(layer, plan: Plan):
    fields = _shapes(layer, plan) | {
        "window": _window(layer.window),
        "activation_min": layer.activation_min, "activation_max": layer.activation_max,
    }
    return struct("et_pool_2d", layer.name, fields)


@tables.register
def _(layer: p.Mean, plan: Plan):
    return struct("et_mean", layer.name, {
        "in": plan.program.activations[layer.input].shape,
        "input_zero_point": layer.input_zero_point,
        "output_zero_point": layer.output_zero_point,
        "multiplier": layer.multiplier, "shift": layer.shift,
    })


@tables.register
def _(layer: p.Pad, plan: Plan):
    return struct("et_pad", layer.name, _shapes(layer, plan) | {
        "before_h": layer.before[0], "before_w": layer.before[1], "value": layer.value,
    })


@tables.register
def _(layer: p.StridedSlice, plan: Plan):
    return struct("et_strided_slice", layer.name, {
        "in": layer.source, "out": layer.size, "begin_h": layer.begin[0],
        "begin_w": layer.begin[1], "begin_c": layer.begin[2],
    })


@tables.register
def _(layer: p.Lookup, plan: Plan):
    text = array(layer.name, layer.table)
    if plan.passes_error(layer):
        text += "/* The function's slope at each input, the steepest 2**14. */\n"
        text += array(f"{layer.name}_slopes", layer.slopes)
    return text


def _joined(layer: p.Add | p.Mul, plan: Plan) -> tuple[dict, dict]:
    """The first fields and the last ones."""
    count, period = (plan.program.activations[index].size for index in layer.inputs)
    return {"count": count, "period": period}, {
        "multiplier": layer.multiplier, "shift": layer.shift,
        "output_zero_point": layer.output_zero_point,
        "activation_min": layer.activation_min, "activation_max": layer.activation_max,
    }


@tables.register
def _(layer: p.Add, plan: Plan):
    first, last = _joined(layer, plan)
    terms = ", ".join(
        f"{{{t.zero_point}, {t.sign}, {t.multiplier}, {t.shift}}}" for t in layer.terms
    )
    return struct("et_add", layer.name, first | {"terms": f"{{{terms}}}"} | last)


@tables.register
def _(layer: p.Mul, plan: Plan):
    first, last = _joined(layer, plan)
    return struct("et_mul", layer.name, first | {"zero_points": layer.zero_points} | last)


@tables.register
def _(layer: p.Concatenation, plan: Plan):
    return array(f"{layer.name}_chunks", np.array(layer.chunks, np.uint32)) + struct(
        "et_concatenation", layer.name,
        {"outer": layer.outer, "inputs": len(layer.chunks), "chunks": f"{layer.name}_chunks"},
    )


@tables.register
def _(layer: p.Softmax, plan: Plan):
    return exponential(layer.name, layer.table)


def exponential(name: str, table) -> str:
    """An ``et_exponential`` and its table."""
    return array(f"{name}_table", table) + struct(
        "et_exponential", name, {"table": f"{name}_table", "length": len(table)}
    )
