"""The operators of the float Graph, as TFLite's float kernels define them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from edgetune.model.graph import Operator
from edgetune.model.interpolation import real_between
from edgetune.model.kinds import MOVED
from edgetune.model.moves import places_of

MAX_WINDOWS = 1 << 24  # elements
LIMITS = {
    "NONE": (None, None), "RELU": (0, None), "RELU6": (0, 6), "RELU_0_TO_1": (0, 1),
    "RELU_N1_TO_1": (-1, 1),
}
THROUGH: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "NEG": np.negative, "ABS": np.abs, "SQUARE": np.square, "SQRT": np.sqrt, "EXP": np.exp,
    "LOG": np.log, "ELU": lambda x: np.where(x < 0, np.expm1(np.minimum(x, 0)), x),
}
ERF = np.vectorize(math.erf, otypes=[np.float64])


def evaluate(operator: Operator, operands: list, shape: tuple[int, ...]) -> np.ndarray:
    """The output of ``operator``, float32.

    Args:
        operands: arrays in the order of the operator's inputs; activations [n, ...] with the
            batch first, None for an absent one.
        shape: of the output, with the batch.
    """
    result = OPERATORS[operator.kind](operator.options, operands, shape)
    return activate(result, operator.options.get("fused_activation_function", "NONE"))


def activate(x: np.ndarray, activation: str) -> np.ndarray:
    low, high = LIMITS[activation]
    return x if low is None else np.clip(x, low, high)


def _conv(options, operands, shape):
    """Every group's channels by themselves, their outputs side by side."""
    x, weights, bias = _three(operands)
    groups = x.shape[3] // weights.shape[3]
    own = *shape[:3], len(weights) // groups
    parts = zip(np.split(x, groups, axis=3), np.split(weights, groups))
    results = [_products(options, *part, own) for part in parts]
    return _add_bias(results[0] if groups == 1 else np.concatenate(results, axis=3), bias)


def _products(options, x, weights, shape):
    """One product of all windows with all weights, or one a tap where windows take much room."""
    kernel = weights.shape[1:3]
    if np.prod(shape[:3], dtype=np.int64) * weights[0].size <= MAX_WINDOWS:
        x = windows(x, kernel, shape, options, 0.0)
        result = x.reshape(-1, weights[0].size) @ weights.reshape(len(weights), -1).T
        return result.reshape(shape)
    x = pad_for(x, kernel, shape, options, 0.0)
    result = np.zeros(shape, np.float32)
    for (i, j), at in taps(kernel, shape, options):
        result += x[at] @ weights[:, i, j].T
    return result


def _transposed(options, operands, shape):
    """What every tap of every cell adds to the outputs around it."""
    x, weights, bias = _three(operands)
    (_, *kernel, _), strides = weights.shape, _steps(options)[0]
    axes = list(zip(x.shape[1:3], kernel, strides, shape[1:3]))
    before = [_before(options, *axis[1:]) for axis in axes]
    room = [max((n - 1) * s + k, b + m) for (n, k, s, m), b in zip(axes, before)]
    result = np.zeros((shape[0], *room, shape[3]), np.float32)
    for (i, j), at in taps(kernel, x.shape, options):
        result[at] += x @ weights[:, i, j].T
    top, left = before
    return _add_bias(result[:, top : top + shape[1], left : left + shape[2]], bias)


def _before(options, kernel, stride, size):
    """Cells before the first output, of windows that lie on the output."""
    if options["padding"] == "VALID":
        return 0
    return max((-(-size // stride) - 1) * stride + kernel - size, 0) // 2


def _depthwise(options, operands, shape):
    x, weights, bias = _three(operands)
    x = np.repeat(x, weights.shape[3] // x.shape[3], axis=3)
    x = pad_for(x, weights.shape[1:3], shape, options, 0.0)
    result = np.zeros(shape, np.float32)
    for (i, j), at in taps(weights.shape[1:3], shape, options):
        result += x[at] * weights[0, i, j]
    return _add_bias(result, bias)


def _dense(options, operands, shape):
    x, weights, bias = _three(operands)
    result = x.reshape(-1, weights.shape[1]) @ weights.T
    return _add_bias(result.reshape(shape), bias)


def _three(operands):
    return (*operands, None) if len(operands) == 2 else operands


def _add_bias(result, bias):
    return result if bias is None else result + bias


def _max_pool(options, operands, shape):
    kernel = options["filter_height"], options["filter_width"]
    x = pad_for(operands[0], kernel, shape, options, -np.inf)
    result = np.full(shape, -np.inf, np.float32)
    for _, at in taps(kernel, shape, options):
        np.maximum(result, x[at], out=result)
    return result


def _average_pool(options, operands, shape):
    """Cells outside the input do not count."""
    kernel = options["filter_height"], options["filter_width"]
    x = operands[0]
    inside = np.ones((1, *x.shape[1:3], 1), np.float32)
    x, inside = (pad_for(a, kernel, shape, options, 0.0) for a in (x, inside))
    places = [at for _, at in taps(kernel, shape, options)]
    return sum(x[at] for at in places) / sum(inside[at] for at in places)


def _mean(options, operands, shape):
    return operands[0].mean(axis=_reduced(operands), dtype=np.float32).reshape(shape)


def _reduce_max(options, operands, shape):
    return operands[0].max(axis=_reduced(operands)).reshape(shape)


def _reduced(operands) -> tuple[int, ...]:
    """The axes of a reduction; never the samples of a batch."""
    x, axes = operands
    return tuple(sorted({int(a) % x.ndim for a in axes.reshape(-1)} - {0}))


def _pad(options, operands, shape):
    x, paddings = operands
    return np.pad(x, [tuple(int(n) for n in pair) for pair in paddings])


def _reshape(options, operands, shape):
    return operands[0].reshape(shape)


def _rescaled(options, operands, shape):
    """QUANTIZE, put in by quantisation, or around what a file computes in float."""
    x = operands[0]
    for kind in options.get("through", ()):
        x = THROUGH[kind](x)
    return x.reshape(shape)


def _softmax(options, operands, shape):
    x = operands[0] * np.float32(options["beta"])
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _log_softmax(options, operands, shape):
    x = operands[0] - operands[0].max(axis=-1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


def _concatenation(options, operands, shape):
    axis = options["axis"] % len(shape)
    # a constant operand has a batch of one
    parts = [np.broadcast_to(x, (shape[0], *x.shape[1:])) for x in operands]
    return np.concatenate(parts, axis)


def _move(kind, options, operands, shape):
    x, *constants = operands
    taken = places_of(kind, (1, *x.shape[1:]), options, constants)[0]
    return x.reshape(len(x), -1)[:, taken.reshape(-1)].reshape(shape)


def _resize_bilinear(options, operands, shape):
    x = operands[0]
    for axis in (1, 2):
        before, behind, part = real_between(x.shape[axis], shape[axis], options)
        part = part.reshape(-1, *[1] * (3 - axis))
        x = (1 - part) * np.take(x, before, axis) + part * np.take(x, behind, axis)
    return x


def _logistic(options, operands, shape):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-operands[0]))


def _leaky_relu(options, operands, shape):
    x = operands[0]
    return np.where(x > 0, x, x * np.float32(options["alpha"]))


def _hard_swish(options, operands, shape):
    x = operands[0]
    return x * np.clip(x + 3, 0, 6) / np.float32(6)


def _elu(options, operands, shape):
    x = operands[0]
    return np.where(x < 0, np.expm1(np.minimum(x, 0)), x)


def _gelu(options, operands, shape):
    x = operands[0]
    if options["approximate"]:
        inner = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x))
    else:
        inner = ERF(x * math.sqrt(0.5)).astype(x.dtype)
    return x * (1 + inner) / 2


def _exp(options, operands, shape):
    with np.errstate(over="ignore"):
        return np.exp(operands[0])


def _of_positive(function):
    """NaN or infinite where there is no value, as the kernel has it."""

    def run(options, operands, shape):
        with np.errstate(divide="ignore", invalid="ignore"):
            return function(operands[0])

    return run


def _prelu(options, operands, shape):
    x, slopes = operands
    return np.where(x < 0, x * slopes, x)


# ---- sliding windows


def pad_for(x, kernel, shape, options, fill) -> np.ndarray:
    """``x`` [n, h, w, c] with the padding that its windows reach into."""
    if options["padding"] == "VALID":
        return x
    pads = []
    for size, k, stride, step, out in zip(
        x.shape[1:3], kernel, *_steps(options), shape[1:3]
    ):
        total = max((out - 1) * stride + (k - 1) * step + 1 - size, 0)
        pads.append((total // 2, total - total // 2))
    if not any(map(any, pads)):
        return x
    return np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)


def taps(kernel, shape, options):
    """For every tap (i, j): its index and the slice of the padded input that it reads."""
    (down, right), (dilation_h, dilation_w) = _steps(options)
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            top, left = i * dilation_h, j * dilation_w
            rows = slice(top, top + (shape[1] - 1) * down + 1, down)
            columns = slice(left, left + (shape[2] - 1) * right + 1, right)
            yield (i, j), (slice(None), rows, columns)


def windows(x, kernel, shape, options, fill) -> np.ndarray:
    """What every window of ``x`` covers: [n, out h, out w, kernel h, kernel w, c]."""
    x = pad_for(x, kernel, shape, options, fill)
    if tuple(kernel) == (1, 1):
        return x[next(taps(kernel, shape, options))[1]]
    result = np.empty((*shape[:3], *kernel, x.shape[3]), x.dtype)
    for (i, j), at in taps(kernel, shape, options):
        result[:, :, :, i, j] = x[at]
    return result


def _steps(options) -> tuple[tuple[int, int], tuple[int, int]]:
    """Strides and dilations, (down, across) each."""
    strides = options["stride_h"], options["stride_w"]
    return strides, (options.get("dilation_h_factor", 1), options.get("dilation_w_factor", 1))


OPERATORS = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "TRANSPOSE_CONV": _transposed,
    "FULLY_CONNECTED": _dense,
    "MAX_POOL_2D": _max_pool,
    "AVERAGE_POOL_2D": _average_pool,
    "MEAN": _mean,
    "REDUCE_MAX": _reduce_max,
    "PAD": _pad,
    "RESHAPE": _reshape,
    "SQUEEZE": _reshape,
    "EXPAND_DIMS": _reshape,
    "RESIZE_BILINEAR": _resize_bilinear,
    "QUANTIZE": _rescaled,
    "SOFTMAX": _softmax,
    "LOG_SOFTMAX": _log_softmax,
    "ADD": lambda options, operands, shape: operands[0] + operands[1],
    "SUB": lambda options, operands, shape: operands[0] - operands[1],
    "MUL": lambda options, operands, shape: operands[0] * operands[1],
    "CONCATENATION": _concatenation,
    **{
        kind: lambda options, operands, shape, kind=kind: activate(operands[0], kind)
        for kind in LIMITS if kind != "NONE"
    },
    "ELU": _elu,
    "GELU": _gelu,
    "EXP": _exp,
    "RSQRT": _of_positive(lambda x: 1 / np.sqrt(x)),
    "SQRT": _of_positive(np.sqrt),
    "LOG": _of_positive(np.log),
    "ABS": lambda options, operands, shape: np.abs(operands[0]),
    "MAXIMUM": lambda options, operands, shape: np.maximum(*operands),
    "MINIMUM": lambda options, operands, shape: np.minimum(*operands),
    "PRELU": _prelu,
    "SELECT_V2": lambda options, o, shape: np.where(o[0] > o[1], o[2], o[3]),
    "SQUARED_DIFFERENCE": lambda options, operands, shape: (operands[0] - operands[1]) ** 2,
    "LEAKY_RELU": _leaky_relu,
    "LOGISTIC": _logistic,
    "TANH": lambda options, operands, shape: np.tanh(operands[0]),
    "HARD_SWISH": _hard_swish,
    **{kind: partial(_move, kind) for kind in MOVED},
}
