"""Layers whose loops the cost model counts: windows, sizes and paddings of every sort."""

import math

import numpy as np
from random_layers import LAYERS, int8, quantized

from edgetune.learn import operators as p
from edgetune.learn.program import Window
from edgetune.plan.features import Work

SAME, VALID = "SAME", "VALID"
# Input's height and width, kernel, stride, padding (or what lies before and after).
WINDOWS = [
    ((6, 5), (3, 3), (1, 1), SAME), ((7, 6), (3, 3), (2, 2), SAME),
    ((8, 8), (2, 2), (2, 2), VALID), ((5, 5), (1, 1), (1, 1), VALID),
    ((6, 7), (1, 1), (2, 3), VALID),  # inputs that no window reads
    ((1, 12), (1, 3), (1, 2), SAME), ((12, 1), (5, 1), (1, 1), SAME),  # one axis alone
    ((3, 8), (3, 2), (2, 4), VALID), ((4, 6), (2, 4), (1, 2), SAME),
    ((9, 2), (2, 2), (1, 1), SAME), ((2, 9), (3, 3), (1, 1), SAME),
    ((7, 3), (2, 1), (2, 1), VALID), ((5, 7), (4, 2), (3, 1), SAME),
    ((2, 6), (1, 2), (1, 2), VALID), ((4, 4), (4, 4), (1, 1), VALID),
    ((6, 4), (1, 2), (1, 6), (1, 9)),  # a row of outputs of a width unlike the input's
    ((3, 4), (2, 2), (1, 1), (2, 2)),  # windows in the padding alone
    ((2, 4), (1, 1), (1, 2), VALID), ((2, 3), (2, 2), (1, 1), SAME),
    ((2, 2), (3, 3), (1, 1), SAME),  # every window is cut, and all to one size
]


def axis_of(size, kernel, stride, padding, dilation) -> tuple[int, int]:
    """Outputs along one axis, and the padding before it."""
    reach = (kernel - 1) * dilation + 1
    if padding == SAME:
        out = -(-size // stride)
        return out, max(0, (out - 1) * stride + reach - size) // 2
    pad = 0 if padding == VALID else padding
    return max(0, size + 2 * pad - reach) // stride + 1, pad


def window_of(case, dilation=(1, 1)) -> tuple[tuple, Window, tuple]:
    """Input's height and width, the window, output's height and width."""
    size, kernel, stride, padding = case
    paddings = (padding, padding) if isinstance(padding, str) else padding
    axes = [axis_of(*axis) for axis in zip(size, kernel, stride, paddings, dilation)]
    out, pad = zip(*axes)
    return size, Window(kernel, stride, pad, dilation), out


def conv(case, depth, rows, kind=p.Conv2D, dilation=(1, 1), groups=1) -> Work:
    """``depth``: input channels of one group."""
    rng = np.random.default_rng(1)
    size, window, out = window_of(case, dilation)
    weights = int8(rng, (rows, *window.kernel, depth))
    facts = quantized(rng, weights, rows, weights.size // rows)
    if groups > 1:
        facts["groups"] = groups
    layer = kind("w", 0, 0, 1, **facts, window=window)
    return Work(layer, (*size, groups * depth), (*out, rows), {})


def depthwise(case, depth, each, kind=p.DepthwiseConv2D, dilation=(1, 1)) -> Work:
    rng = np.random.default_rng(2)
    size, window, out = window_of(case, dilation)
    rows = depth * each
    weights = int8(rng, (*window.kernel, rows))
    facts = quantized(rng, weights, rows, math.prod(window.kernel))
    layer = kind("w", 0, 0, 1, **facts, window=window, multiplicity=each)
    return Work(layer, (*size, depth), (*out, rows), {})


def dense(inputs, rows) -> Work:
    rng = np.random.default_rng(3)
    weights = int8(rng, (rows, inputs))
    layer = p.FullyConnected("w", 0, 0, 1, **quantized(rng, weights, rows, inputs))
    return Work(layer, (1, 1, inputs), (1, 1, rows), {})


def pool(kind, case, channels) -> Work:
    size, window, out = window_of(case)
    return Work(kind("p", 0, 0, 1, window, -128, 127), (*size, channels), (*out, channels), {})


CONVS = [conv(case, *sizes) for case in WINDOWS for sizes in ((1, 6), (3, 4), (6, 3))]
DEPTHWISES = [depthwise(case, *sizes) for case in WINDOWS for sizes in ((1, 1), (6, 1), (2, 4))]
DEPTHWISES += [depthwise(case, 3, 2) for case in WINDOWS[:6]]
DENSES = [dense(*sizes) for sizes in ((1, 1), (7, 9), (8, 4), (30, 3))]
SPREAD = [case for case in WINDOWS if 1 not in case[1]]  # kernels whose taps can lie apart
DILATED = [
    conv(case, *sizes, p.DilatedConv2D, (2, 3)) for case in SPREAD for sizes in ((3, 6), (2, 4))
]
DILATED_WIDE = [conv(SPREAD[0], 6, 2, p.DilatedConv2D, (2, 3))]
GROUPED = [
    conv(case, depth, rows, p.GroupedConv2D, dilation, parts)
    for case in WINDOWS[::3]
    for depth, rows, parts, dilation in ((2, 12, 2, (1, 1)), (5, 6, 3, (1, 2)))
]
def transposed(case, depth, rows) -> Work:
    """The window of a convolution, from its output to its input."""
    size, window, out = window_of(case)
    rng = np.random.default_rng(1)
    weights = int8(rng, (rows, *window.kernel, depth))
    facts = quantized(rng, weights, rows, weights[0].size)
    layer = p.TransposeConv("w", 0, 0, 1, **facts, window=window)
    return Work(layer, (*out, depth), (*size, rows), {})


TRANSPOSED = [
    transposed(case, *sizes) for case in WINDOWS[::2] for sizes in ((1, 4), (6, 5))
]
DILATED_DEPTHWISES = [
    depthwise(case, 3, each, p.DilatedDepthwiseConv2D, (2, 2)) for case in SPREAD
    for each in (1, 2)
]
# A pool's window always holds an input.
POOLED = [case for case in WINDOWS if case[3] in (SAME, VALID)]
MAX_POOLS = [pool(p.MaxPool2D, case, 3) for case in POOLED]
AVERAGE_POOLS = [pool(p.AveragePool2D, case, 3) for case in POOLED]
LENGTHS = ((1, 12, 5, 1), (1, 7, 2, 1), (1, 1, 1, 1), (2, 3, 4, 5))
REDUCTIONS = [  # outer, rows, inner, columns
    (lengths, (lengths[0] * lengths[1], lengths[2], lengths[3]), (1, lengths[0], lengths[2]))
    for lengths in LENGTHS
]
MEANS = [Work(p.Mean("m", 0, 0, 1, *n, 2**30, 0, 0, 0), x, y, {}) for n, x, y in REDUCTIONS]
MAXIMA = [Work(p.ReduceMax("m", 0, 0, 1, *n), x, y, {}) for n, x, y in REDUCTIONS]
PADS = [
    Work(p.Pad("p", 0, 0, 1, (1, 2, front), (0, 3, 0), 5), (h, w, c), (h + 1, w + 5, c + front), {})
    for h, w, c in ((3, 4, 5), (1, 7, 2)) for front in (0, 2)
]


def some(kind) -> list[Work]:
    """Random layers of ``kind``, once for each input."""
    rng = np.random.default_rng(9)
    made = [LAYERS[kind](rng, False) for _ in range(3)]
    return [Work(layer, x.shape, y, {}) for layer, xs, y in made for x in xs]


SHAPED = {  # works whose loops turn each in its own way; of the others random layers do
    p.Conv2D: CONVS[::2], p.DepthwiseConv2D: DEPTHWISES[::2], p.FullyConnected: DENSES,
    p.GroupedConv2D: GROUPED, p.TransposeConv: TRANSPOSED,
    p.DilatedConv2D: DILATED + DILATED_WIDE, p.DilatedDepthwiseConv2D: DILATED_DEPTHWISES,
    p.MaxPool2D: MAX_POOLS, p.AveragePool2D: AVERAGE_POOLS, p.Mean: MEANS, p.Pad: PADS,
    p.ReduceMax: MAXIMA,
}
WORKS = {kind.kind: SHAPED.get(kind) or some(kind) for kind in LAYERS}
