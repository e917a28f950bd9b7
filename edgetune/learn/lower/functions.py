"""Functions of one int8 value, as tables of all 256.

Each table holds what TFLite's reference kernel gives for the value; ``docs/numerics.md``
section 2 spells the arithmetic out.  Where that kernel works in floats, so does the table's:
in float32, step by step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from edgetune.floats.operators import THROUGH
from edgetune.learn.fixedpoint import (
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    rounding_divide_by_power_of_two,
)
from edgetune.learn.lower.inverse_root import inverse_root
from edgetune.learn.operators import Lookup
from edgetune.learn.tensors import Tensors, activation_range
from edgetune.model.graph import Operator

Grid = tuple[float, int]  # scale and zero point
VALUES = np.arange(-128, 128, dtype=np.int64)
INT16_MIN, INT16_MAX = -(2**15), 2**15 - 1


def lower_function(tensors: Tensors, op: Operator) -> None:
    """The table of a QUANTIZE, RELU, LOGISTIC, ... and its layer."""
    source, target = tensors.grid(op.inputs[0]), tensors.grid(op.outputs[0])
    table = function_table(op.kind, source, target, parameter(op))
    if "through" in op.options:
        table = float_table(op.options["through"], source, target)
    scales = source[0], target[0]
    real = scales[0] * (VALUES - source[1])
    derivative = derivative_of(op, real)
    slopes = slope_table(derivative * (scales[0] / scales[1]))
    tensors.layers.append(Lookup(*tensors.place(op), table, *slopes))


def parameter(op: Operator) -> float:
    """What a function has besides its value: LEAKY_RELU's slope; 1 where GELU approximates."""
    return float(op.options.get("alpha", op.options.get("approximate", 0.0)))


def slope_table(slopes: np.ndarray) -> tuple[np.ndarray, float]:
    """int16 [256] with 2**14 for the largest size, and the unit of its integers."""
    largest = float(np.abs(slopes).max())
    if largest == 0:
        return np.zeros(256, np.int16), 1.0
    return np.rint(slopes * (2**14 / largest)).astype(np.int16), largest / 2**14


def function_table(
    kind: str, source: tuple[float, int], target: tuple[float, int], alpha: float = 0.0
) -> np.ndarray:
    """int8 [256]: the function's value at -128, -127, ..., 127.

    Args:
        source, target: scale (a float32 value) and zero point of input and output.
        alpha: the slope of LEAKY_RELU below zero; 1 for GELU by its approximation.
    """
    return np.clip(FUNCTIONS[kind](source, target, alpha), -128, 127).astype(np.int8)


def float_table(through: Sequence[str], source: Grid, target: Grid) -> np.ndarray:
    """int8 [256] of DEQUANTIZE, the functions ``through`` and QUANTIZE, one behind the other."""
    one, other = _single(source[0], target[0])
    real = one * (VALUES - source[1]).astype(np.float32)
    with np.errstate(all="ignore"):
        for kind in through:
            real = _rounded(THROUGH[kind], real)
        steps = _half_away(real / other)
    steps = np.where(np.abs(steps) < 2**31, steps, -(2**31))  # so casts most machines
    return np.clip(steps + target[1], -128, 127).astype(np.int8)


def derivative_of(op: Operator, x: np.ndarray) -> np.ndarray:
    """By the real input ``x`` of an operator of one value, float64."""
    if not op.options.get("through"):
        return DERIVATIVES[op.kind](x, parameter(op))
    slope = np.ones_like(x)
    with np.errstate(all="ignore"):
        for kind in op.options["through"]:
            slope, x = slope * DERIVATIVES[kind](x, 0.0), THROUGH[kind](x)
    return np.where(np.isfinite(slope), slope, 0.0)


def _half_away(x: np.ndarray) -> np.ndarray:
    return np.sign(x) * np.floor(np.abs(x.astype(np.float64)) + 0.5)


def _requantised(x: np.ndarray, factor: float, zero_point: int) -> np.ndarray:
    return multiply_by_quantized_multiplier(x, *quantize_multiplier(factor)) + zero_point


def _quantize(source, target, alpha):
    return _requantised(VALUES - source[1], source[0] / target[0], target[1])


def _single(*factors: float) -> list[np.float32]:
    return [np.float32(f) for f in factors]


def _relu(activation: str, source: Grid, target: Grid) -> np.ndarray:
    one, other = _single(source[0], target[0])
    low, high = activation_range(activation, *target)
    return np.clip(_requantised(VALUES - source[1], float(one / other), target[1]), low, high)


def _clip_of(activation: str) -> Callable[[Grid, Grid, float], np.ndarray]:
    return lambda source, target, alpha: _relu(activation, source, target)


def _leaky_relu(source, target, alpha):
    one, other, slope = _single(source[0], target[0], alpha)
    x = VALUES - source[1]
    above = _requantised(x, float(one / other), target[1])
    below = _requantised(x, float(one * slope / other), target[1])
    return np.where(x >= 0, above, below)


def _through_floats(
    function: Callable[[np.ndarray], np.ndarray], source: Grid, target: Grid
) -> np.ndarray:
    one, other = _single(source[0], target[0])
    with np.errstate(over="ignore", under="ignore"):
        real = one * (VALUES - source[1]).astype(np.float32)
        scaled = function(real) * (np.float32(1) / other)
    return _half_away(scaled) + target[1]


def _logistic(source, target, alpha):
    return _through_floats(lambda x: np.float32(1) / (1 + _rounded(np.exp, -x)), source, target)


def _tanh(source, target, alpha):
    return _through_floats(_tanh_of_float, source, target)


def _tanh_of_float(x: np.ndarray) -> np.ndarray:
    """As the C library works it out, from ``exp(2x) - 1`` in float32; that is not always the
    nearest float32."""
    two, size = np.float32(2), np.minimum(np.abs(x), np.float32(22))
    below = _rounded(np.expm1, -two * size)
    above = _rounded(np.expm1, two * size)
    near, far = -below / (below + two), 1 - two / (above + two)
    return np.copysign(np.where(size < 1, near, far), x)


def _rounded(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    """The float32 nearest to the true value; numpy's own float32 functions differ from one
    processor to another."""
    return function(x.astype(np.float64)).astype(np.float32)


def _elu(x: np.ndarray) -> np.ndarray:
    return np.where(x < 0, _rounded(np.expm1, x), x)


ERF = np.vectorize(math.erf, otypes=[np.float64])
HALF, ONE = np.float32(0.5), np.float32(1)


def _gelu(source, target, alpha):
    return _through_floats(_gelu_by_tanh if alpha else _gelu_by_erf, source, target)


def _gelu_by_erf(x: np.ndarray) -> np.ndarray:
    return HALF * x * (ONE + _rounded(ERF, x * np.float32(math.sqrt(0.5))))


def _gelu_by_tanh(x: np.ndarray) -> np.ndarray:
    inner = x + np.float32(0.044715) * x * x * x
    return HALF * x * (ONE + _tanh_of_float(np.float32(math.sqrt(2 / math.pi)) * inner))


def _abs(source, target, alpha):
    size = np.abs(VALUES - source[1])
    one, other = _single(source[0], target[0])
    return size + target[1] if one == other else _requantised(size, float(one / other), target[1])


def _rsqrt(source, target, alpha):
    """Where there is no root TFLite's kernel ends the run; here it is infinite there, as at 0."""
    x = VALUES - source[1]
    one, other = _single(source[0], target[0])
    roots = np.array([inverse_root(int(value)) for value in np.maximum(x, 1)])
    multiplier, shift = quantize_multiplier(1 / float(np.sqrt(one) * other))
    y = multiply_by_quantized_multiplier(roots, multiplier, shift - 20) + target[1]
    return np.where(x > 0, y, 127)


def _sqrt(source, target, alpha):
    """TFLite's kernel cuts off what lies behind the point, and ends the run where there is no
    root; here it is zero there."""
    one, other = _single(source[0], target[0])
    real = one * np.maximum(VALUES - source[1], 0).astype(np.float32)
    return (np.sqrt(real) / other).astype(np.int64) + target[1]


def _log(source, target, alpha):
    """The lowest value where there is no logarithm."""
    with np.errstate(divide="ignore", invalid="ignore"):
        y = _through_floats(partial(_rounded, np.log), source, target)
    return np.where(VALUES > source[1], y, -128)


# -- HARD_SWISH: x * relu6(x + 3) / 6 in 16 bits ---------------------------------------------


def _hard_swish(source, target, alpha):
    scale = np.float32(1 / 128) * np.float32(source[0])
    output, output_shift = _multiplier_16(scale / np.float32(target[0]))
    gate, gate_shift = _multiplier_16(scale / np.float32(3 / 32768))
    x = (VALUES - source[1]) << 7
    on_output_scale = _rounding_high_16(x, output)
    reluish = _saturate(x << max(0, gate_shift - 1))
    reluish = _rounding_high_16(reluish, gate)
    reluish = _saturate(reluish << (1 if gate_shift > 0 else 0))
    reluish = rounding_divide_by_power_of_two(reluish, max(0, -gate_shift))
    product = _saturate(_over_32768(((reluish + 2**15) >> 1) * on_output_scale))
    return rounding_divide_by_power_of_two(product, max(0, -output_shift)) + target[1]


def _multiplier_16(real: np.float32) -> tuple[int, int]:
    """``real`` as a 16-bit multiplier with its shift."""
    multiplier, shift = quantize_multiplier(float(real))
    return min((multiplier + 2**15) >> 16, INT16_MAX), shift


def _saturate(x: np.ndarray) -> np.ndarray:
    return np.clip(x, INT16_MIN, INT16_MAX)


def _rounding_high_16(x: np.ndarray, multiplier: int) -> np.ndarray:
    product = x * multiplier
    return _saturate(_over_32768(product + np.where(product >= 0, 2**14, 1 - 2**14)))


def _over_32768(x: np.ndarray) -> np.ndarray:
    """Divided as C does: toward zero."""
    return np.sign(x) * (np.abs(x) >> 15)


FUNCTIONS = {
    "QUANTIZE": _quantize,
    **{
        kind: _clip_of(kind)
        for kind in ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1")
    },
    "LEAKY_RELU": _leaky_relu,
    "LOGISTIC": _logistic,
    "TANH": _tanh,
    "HARD_SWISH": _hard_swish,
    "ELU": lambda source, target, alpha: _through_floats(_elu, source, target),
    "GELU": _gelu,
    "ABS": _abs,
    "EXP": lambda source, target, alpha: _through_floats(partial(_rounded, np.exp), source, target),
    "RSQRT": _rsqrt,
    "SQRT": _sqrt,
    "LOG": _log,
}


# -- derivatives by the real input, in double precision --------------------------------------


def _logistic_derivative(x: np.ndarray, alpha: float) -> np.ndarray:
    with np.errstate(over="ignore"):
        y = 1 / (1 + np.exp(-x))
    return y * (1 - y)


def _hard_swish_derivative(x: np.ndarray, alpha: float) -> np.ndarray:
    return np.where(x <= -3, 0.0, np.where(x >= 3, 1.0, (2 * x + 3) / 6))


def _gelu_derivative(x: np.ndarray, alpha: float) -> np.ndarray:
    if alpha:
        c = math.sqrt(2 / math.pi)
        t = np.tanh(c * (x + 0.044715 * x**3))
        return 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * c * (1 + 3 * 0.044715 * x**2)
    density = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    return 0.5 * (1 + ERF(x * math.sqrt(0.5))) + x * density


def _inside(low: float, high: float) -> Callable[[np.ndarray, float], np.ndarray]:
    return lambda x, alpha: ((x > low) & (x < high)).astype(np.float64)


def _of_positive(function: Callable[[np.ndarray], np.ndarray]) -> Callable:
    """Zero where there is no derivative."""
    return lambda x, alpha: np.where(x > 0, function(np.where(x > 0, x, 1)), 0.0)


DERIVATIVES: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "QUANTIZE": lambda x, alpha: np.ones_like(x),
    "NEG": lambda x, alpha: -np.ones_like(x),
    "SQUARE": lambda x, alpha: 2 * x,
    "RELU": _inside(0, math.inf),
    "RELU6": _inside(0, 6),
    "RELU_N1_TO_1": _inside(-1, 1),
    "RELU_0_TO_1": _inside(0, 1),
    "LEAKY_RELU": lambda x, alpha: np.where(x >= 0, 1.0, alpha),
    "LOGISTIC": _logistic_derivative,
    "TANH": lambda x, alpha: 1 - np.tanh(x) ** 2,
    "HARD_SWISH": _hard_swish_derivative,
    "ELU": lambda x, alpha: np.exp(np.minimum(x, 0)),
    "GELU": _gelu_derivative,
    "ABS": lambda x, alpha: np.sign(x),
    "EXP": lambda x, alpha: np.exp(x),
    "RSQRT": _of_positive(lambda x: -0.5 * x**-1.5),
    "SQRT": _of_positive(lambda x: 0.5 * x**-0.5),
    "LOG": _of_positive(lambda x: 1 / x),
}
