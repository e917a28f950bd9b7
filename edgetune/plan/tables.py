"""Bytes of the constant tables that the generated C defines, on a 32-bit Cortex-M."""

from __future__ import annotations

from functools import singledispatch

from edgetune.learn import operators as p
from edgetune.learn.losses import Loss, Reconstruction, SigmoidCrossEntropy, SquaredError
from edgetune.learn.program import Activation, Layer

# sizeof of the structs in firmware/engine on a 32-bit target.
TRAINED_BYTES = 36
EXPONENTIAL_BYTES = 8
NULL_MASS_BYTES = 12
LEARNER_BYTES = 16


@singledispatch
def table_bytes(layer: Layer, scales_error: bool) -> int:
    """Flash that the tables of ``layer`` take, weights and biases apart.

    Args:
        scales_error: whether the step scales this layer's errors by channel.
    """
    raise TypeError(f"no size for {type(layer).__name__}")


def _quantization(layer: p.WeightedLayer, scales_error: bool) -> int:
    ratio = 2 * layer.rows if scales_error else 0
    return 8 * layer.rows + ratio + -ratio % 4


@table_bytes.register
def _(layer: p.Conv2D, scales_error):
    return 40 + _quantization(layer, scales_error)


@table_bytes.register
def _(layer: p.DepthwiseConv2D, scales_error):
    return 44 + _quantization(layer, scales_error)


@table_bytes.register
def _(layer: p.DilatedConv2D, scales_error):
    return 44 + _quantization(layer, scales_error)


@table_bytes.register
def _(layer: p.DilatedDepthwiseConv2D, scales_error):
    return 48 + _quantization(layer, scales_error)


@table_bytes.register
def _(layer: p.FullyConnected, scales_error):
    return 24 + _quantization(layer, scales_error)


@table_bytes.register(p.MaxPool2D)
@table_bytes.register(p.AveragePool2D)
def _(layer, scales_error):
    return 28


@table_bytes.register
def _(layer: p.Mean, scales_error):
    return 20


@table_bytes.register
def _(layer: p.Pad, scales_error):
    return 20


@table_bytes.register
def _(layer: p.StridedSlice, scales_error):
    return 20


@table_bytes.register
def _(layer: p.Lookup, scales_error):
    return 256


@table_bytes.register
def _(layer: p.Add, scales_error):
    return 48


@table_bytes.register
def _(layer: p.Mul, scales_error):
    return 28


@table_bytes.register
def _(layer: p.Concatenation, scales_error):
    return 12 + 4 * len(layer.chunks)


@table_bytes.register
def _(layer: p.Softmax, scales_error):
    return EXPONENTIAL_BYTES + 4 * len(layer.table)


def parameter_bytes(layer: p.WeightedLayer) -> int:
    """Bytes of weights and biases as the state block holds them."""
    return layer.weights.size + -layer.weights.size % 4 + 4 * layer.rows


def constant_bytes(activation: Activation) -> int:
    """Flash of an activation that the model itself brings."""
    return 0 if activation.constant is None else activation.size + -activation.size % 4


def loss_bytes(loss: Loss, shares_table: bool) -> int:
    """Flash of a loss's constants; ``shares_table``: the exponentials are a SOFTMAX's."""
    if isinstance(loss, SquaredError):
        return 8 + (512 if isinstance(loss, Reconstruction) else 0)
    weights = 0 if loss.weights is None else 2 * loss.size + 2 * (loss.size % 2)
    if isinstance(loss, SigmoidCrossEntropy):
        return 12 + 512 + weights
    return 12 + weights + (0 if shares_table else EXPONENTIAL_BYTES + 4 * len(loss.table))
