"""Every operator in numpy: its forward with its backward under it.

Shapes: activations x, y and errors e are [h, w, c]; a gradient is [rows, row_size + 1], row o
holding output channel o's weights in their TFLite order and the bias in the last column.
Values are exact integers in int64; matrix products go through float64, which is exact
because every sum stays below 2**53 (``docs/numerics.md`` section 8).
"""

from __future__ import annotations

import numpy as np

from edgetune.learn import program as p
from edgetune.learn.fixedpoint import multiply_by_quantized_multiplier
from edgetune.learn.joining import add_forward, concatenation_forward, mul_forward
from edgetune.learn.window import patches, scatter

BIAS_INPUT = 64  # the constant input of the bias column, RULE X0


def _matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a.astype(np.float64) @ b.astype(np.float64)).astype(np.int64)


def _requantize(layer: p.WeightedLayer, acc: np.ndarray) -> np.ndarray:
    acc = acc + layer.bias.astype(np.int64)
    y = multiply_by_quantized_multiplier(acc, layer.multiplier, layer.shift)
    return np.clip(y + layer.output_zero_point, layer.activation_min, layer.activation_max)


# -- CONV_2D -------------------------------------------------------------------------------


def conv_2d_forward(layer: p.Conv2D, x, out_shape):
    cells = patches(x - layer.input_zero_point, layer.window, out_shape, 0)
    cells = cells.reshape(-1, layer.row_size)
    acc = _matmul(cells, layer.weights.reshape(layer.rows, -1).T)
    return _requantize(layer, acc).reshape(out_shape)


def conv_2d_input_error(layer: p.Conv2D, e, x):
    """sum over o and taps of e[o] * w[o, tap], at the input cell each tap read."""
    cells = _matmul(e.reshape(-1, layer.rows), layer.weights.reshape(layer.rows, -1))
    shape = e.shape[:2] + layer.window.kernel + x.shape[2:]
    return scatter(cells.reshape(shape), layer.window, x.shape)


def conv_2d_gradient(layer: p.Conv2D, e, x):
    cells = patches(x - layer.input_zero_point, layer.window, e.shape, 0)
    rows = e.reshape(-1, layer.rows).T
    return _with_bias(_matmul(rows, cells.reshape(-1, layer.row_size)), rows)


def _with_bias(gradient, rows):
    """Append the bias column to [rows, row_size]; ``rows`` are the errors [rows, positions]."""
    return np.concatenate([gradient, rows.sum(axis=1, keepdims=True) * BIAS_INPUT], axis=1)


# -- DEPTHWISE_CONV_2D -----------------------------------------------------------------------


def depthwise_conv_2d_forward(layer: p.DepthwiseConv2D, x, out_shape):
    cells = _depthwise_patches(layer, x, out_shape)
    acc = (cells * layer.weights.astype(np.int64)).sum(axis=(2, 3))
    return _requantize(layer, acc)


def _depthwise_patches(layer, x, out_shape):
    """Patches with each input channel repeated for its ``multiplicity`` outputs."""
    cells = patches(x - layer.input_zero_point, layer.window, out_shape, 0)
    return np.repeat(cells, layer.multiplicity, axis=4)


def depthwise_conv_2d_input_error(layer: p.DepthwiseConv2D, e, x):
    cells = e[:, :, None, None, :] * layer.weights.astype(np.int64)
    cells = cells.reshape(*cells.shape[:4], -1, layer.multiplicity).sum(axis=5)
    return scatter(cells, layer.window, x.shape)


def depthwise_conv_2d_gradient(layer: p.DepthwiseConv2D, e, x):
    cells = _depthwise_patches(layer, x, e.shape)
    gradient = (cells * e[:, :, None, None, :]).sum(axis=(0, 1))
    return _with_bias(gradient.reshape(-1, layer.rows).T, e.reshape(-1, layer.rows).T)


# -- FULLY_CONNECTED ---------------------------------------------------------------------------


def fully_connected_forward(layer: p.FullyConnected, x, out_shape):
    acc = _matmul(layer.weights, x.reshape(-1) - layer.input_zero_point)
    return _requantize(layer, acc).reshape(out_shape)


def fully_connected_input_error(layer: p.FullyConnected, e, x):
    return _matmul(e.reshape(-1), layer.weights).reshape(x.shape)


def fully_connected_gradient(layer: p.FullyConnected, e, x):
    """The outer product of the errors and the inputs (the bias one of them)."""
    inputs = np.append(x.reshape(-1) - layer.input_zero_point, BIAS_INPUT)
    return np.outer(e.reshape(-1), inputs)


# -- MAX_POOL_2D -------------------------------------------------------------------------------


def max_pool_2d_forward(layer: p.MaxPool2D, x, out_shape):
    cells = patches(x, layer.window, out_shape, -129)
    return np.clip(cells.max(axis=(2, 3)), layer.activation_min, layer.activation_max)


def max_pool_2d_input_error(layer: p.MaxPool2D, e, x):
    """The error goes to the first largest cell of each window, in row-major order."""
    cells = patches(x, layer.window, e.shape, -129)
    flat = cells.reshape(*cells.shape[:2], -1, cells.shape[4])
    first = flat.argmax(axis=2)[:, :, None, :]
    routed = np.zeros_like(flat)
    np.put_along_axis(routed, first, e[:, :, None, :], axis=2)
    return scatter(routed.reshape(cells.shape), layer.window, x.shape)


# -- AVERAGE_POOL_2D ---------------------------------------------------------------------------


def _counts(layer: p.AveragePool2D, shape, out_shape):
    """Cells inside the input for each window, [out_h, out_w, 1]."""
    inside = patches(np.ones((*shape[:2], 1), np.int64), layer.window, out_shape, 0)
    return inside.sum(axis=(2, 3))


def average_pool_2d_forward(layer: p.AveragePool2D, x, out_shape):
    total = patches(x, layer.window, out_shape, 0).sum(axis=(2, 3))
    count = _counts(layer, x.shape, out_shape)
    mean = np.sign(total) * ((np.abs(total) + count // 2) // count)
    return np.clip(mean, layer.activation_min, layer.activation_max)


def average_pool_2d_input_error(layer: p.AveragePool2D, e, x):
    """Each cell takes its window's error over the window's count, relative to the smallest.

    Where all windows have one count it is a constant factor, which the rule does not see.
    """
    counts = _counts(layer, x.shape, e.shape)
    least = counts.min()
    if (counts != least).any():
        e = e * ((least * 2**15 + counts // 2) // counts)
    cells = np.broadcast_to(
        e[:, :, None, None, :], e.shape[:2] + layer.window.kernel + e.shape[2:]
    )
    return scatter(cells, layer.window, x.shape)


# -- MEAN --------------------------------------------------------------------------------------


def mean_forward(layer: p.Mean, x, out_shape):
    total = (x - layer.input_zero_point).sum(axis=(0, 1))
    y = multiply_by_quantized_multiplier(total, layer.multiplier, layer.shift)
    return np.clip(y + layer.output_zero_point, -128, 127).reshape(out_shape)


def mean_input_error(layer: p.Mean, e, x):
    return np.broadcast_to(e.reshape(1, 1, -1), x.shape).copy()


# -- PAD ---------------------------------------------------------------------------------------


def pad_forward(layer: p.Pad, x, out_shape):
    widths = [*zip(layer.before, layer.after), (0, 0)]
    return np.pad(x, widths, constant_values=layer.value)


def pad_input_error(layer: p.Pad, e, x):
    top, left = layer.before
    return e[top : top + x.shape[0], left : left + x.shape[1]]


# -- STRIDED_SLICE and functions of one value ------------------------------------------------


def strided_slice_forward(layer: p.StridedSlice, x, out_shape):
    crop = tuple(slice(first, first + size) for first, size in zip(layer.begin, layer.size))
    return x.reshape(layer.source)[crop].reshape(out_shape)


def lookup_forward(layer: p.Lookup, x, out_shape):
    return layer.table.astype(np.int64)[x + 128].reshape(out_shape)


# -- SOFTMAX -----------------------------------------------------------------------------------


def softmax_forward(layer: p.Softmax, x, out_shape):
    """Probabilities as int8: scale 1/256, zero point -128, rounded half up."""
    terms = _look_up(layer.table, x).astype(np.int64)
    total = terms.sum(axis=-1, keepdims=True)
    return np.minimum((terms * 512 + total) // (2 * total) - 128, 127).reshape(out_shape)


def _look_up(table: np.ndarray, x: np.ndarray) -> np.ndarray:
    below = x.max(axis=-1, keepdims=True) - x
    return np.where(below < len(table), table[np.minimum(below, len(table) - 1)], 0)


# -- loss: softmax cross-entropy ---------------------------------------------------------------


def softmax_cross_entropy(table: np.ndarray, logits: np.ndarray, label: int):
    """Error of each logit in Q15, [classes], and the label's probability in Q15.

    A logit that saturates is not pushed further out: it could not follow, while the layers
    below would go on moving.
    """
    logits = logits.reshape(-1)
    terms = (_look_up(table, logits).astype(np.int64) + 2**13) >> 14
    total = terms.sum()
    probability = ((terms << 15) + total // 2) // total
    error = probability.copy()
    error[label] -= 2**15
    stuck = ((logits == 127) & (error < 0)) | ((logits == -128) & (error > 0))
    return np.where(stuck, 0, error), int(probability[label])


FORWARD = {
    p.Conv2D: conv_2d_forward,
    p.DilatedConv2D: conv_2d_forward,
    p.DepthwiseConv2D: depthwise_conv_2d_forward,
    p.DilatedDepthwiseConv2D: depthwise_conv_2d_forward,
    p.FullyConnected: fully_connected_forward,
    p.MaxPool2D: max_pool_2d_forward,
    p.AveragePool2D: average_pool_2d_forward,
    p.Mean: mean_forward,
    p.Pad: pad_forward,
    p.StridedSlice: strided_slice_forward,
    p.Lookup: lookup_forward,
    p.Add: add_forward,
    p.Mul: mul_forward,
    p.Concatenation: concatenation_forward,
    p.Softmax: softmax_forward,
}
INPUT_ERROR = {
    p.Conv2D: conv_2d_input_error,
    p.DepthwiseConv2D: depthwise_conv_2d_input_error,
    p.FullyConnected: fully_connected_input_error,
    p.MaxPool2D: max_pool_2d_input_error,
    p.AveragePool2D: average_pool_2d_input_error,
    p.Mean: mean_input_error,
    p.Pad: pad_input_error,
}
GRADIENT = {
    p.Conv2D: conv_2d_gradient,
    p.DepthwiseConv2D: depthwise_conv_2d_gradient,
    p.FullyConnected: fully_connected_gradient,
}
