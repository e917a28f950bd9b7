"""Random layers of every operator, for bit equality of engines.

``LAYERS`` has a maker for each class: ``make(rng, extreme)`` gives a layer, its inputs, int8
arrays, and its output's shape.  ``extreme``: nothing but the ends of int8 where values are free.
"""

from functools import partial

import numpy as np
from tiny_tflite import ModelBuilder

from edgetune.learn import operators as p
from edgetune.learn.fixedpoint import quantize_multiplier
from edgetune.learn.lower import lower
from edgetune.learn.operators.move import straight
from edgetune.learn.operators.resize_bilinear import error_shift
from edgetune.learn.program import Window, exponential_table
from edgetune.model.interpolation import interpolations
from edgetune.model.read import read_tflite

# -- values ------------------------------------------------------------------------------------


def int8(rng, shape, extreme=False):
    """Random int8 values, or nothing but the two ends of the range."""
    if extreme:
        return rng.choice(np.array([-128, 127], np.int8), shape)
    return rng.integers(-128, 128, shape).astype(np.int8)


def errors(rng, shape, extreme=False):
    """Random mantissas: never -128."""
    return np.maximum(int8(rng, shape, extreme), -127)


def random_clip(rng) -> tuple[int, int]:
    """Bounds of a mask: none, a RELU's, or any two, which may let nothing through."""
    style = rng.choice(["none", "relu", "any", "any"])
    if style == "none":
        return -129, 128
    low, high = (int(v) for v in rng.integers(-128, 128, 2))
    return (low, 128) if style == "relu" else (low, high)


# -- layers with weights -----------------------------------------------------------------------


def quantized(rng, weights, rows, row_size) -> dict:
    """The fields of a weighted layer, its multipliers such that outputs fill int8."""
    low, high = sorted(int(v) for v in rng.choice(np.arange(-128, 128), 2, replace=False))
    if rng.random() < 0.5:
        low, high = -128, 127
    real = rng.uniform(0.2, 4, rows) / (74 * np.sqrt(row_size))
    pairs = np.array([quantize_multiplier(float(r)) for r in real], np.int32)
    return dict(
        weights=weights, bias=rng.integers(-20000, 20000, rows).astype(np.int32),
        multiplier=np.ascontiguousarray(pairs[:, 0]), shift=np.ascontiguousarray(pairs[:, 1]),
        ratio=None, weight_scale=1.0, input_zero_point=int(rng.integers(-128, 128)),
        output_zero_point=int(rng.integers(-128, 128)),
        activation_min=low, activation_max=high,
    )


def random_window(rng, in_hw) -> tuple[Window, tuple[int, int]]:
    """A window and its output's height and width: SAME, VALID, or any padding."""
    kernel = tuple(int(k) for k in rng.integers(1, 5, 2))
    stride = tuple(int(s) for s in rng.integers(1, 4, 2))
    style = rng.choice(["same", "valid", "free"])
    if style == "valid":
        kernel = tuple(min(k, n) for k, n in zip(kernel, in_hw))
        out = tuple((n - k) // s + 1 for n, k, s in zip(in_hw, kernel, stride))
        return Window(kernel, stride, (0, 0)), out
    if style == "same":
        out = tuple(-(-n // s) for n, s in zip(in_hw, stride))
        pad = tuple(
            max(0, (o - 1) * s + k - n) // 2 for o, s, k, n in zip(out, stride, kernel, in_hw)
        )
        return Window(kernel, stride, pad), out
    before, after = rng.integers(0, 4, 2), rng.integers(0, 4, 2)
    padded = [max(k, n + b + a) for k, n, b, a in zip(kernel, in_hw, before, after)]
    out = tuple(int((n - k) // s + 1) for n, k, s in zip(padded, kernel, stride))
    return Window(kernel, stride, tuple(int(b) for b in before)), out


def random_layer(rng, kind, extreme=False):
    """(layer, input shape, output shape) of a weighted layer class whose taps do not lie apart."""
    if kind is p.FullyConnected:
        rows, size = (int(v) for v in rng.integers(1, 40, 2))
        weights = int8(rng, (rows, size), extreme)
        layer = kind("d", 0, 0, 1, **quantized(rng, weights, rows, size))
        return layer, (1, 1, size), (1, 1, rows)
    in_hw = tuple(int(n) for n in rng.integers(1, 10, 2))
    channels = int(rng.integers(1, 11))
    window, out_hw = random_window(rng, in_hw)
    if kind is p.Conv2D:
        rows = int(rng.integers(1, 11))
        weights = int8(rng, (rows, *window.kernel, channels), extreme)
        more = {}
    else:
        multiplicity = int(rng.choice([1, 1, 2, 3, 4, 8]))
        rows = channels * multiplicity
        weights = int8(rng, (*window.kernel, rows), extreme)
        more = {"multiplicity": multiplicity}
    layer = kind(
        "w", 0, 0, 1, **quantized(rng, weights, rows, weights.size // rows), window=window, **more
    )
    return layer, (*in_hw, channels), (*out_hw, rows)


def random_square(rng, in_hw):
    """3x3 windows side by side, of any padding up to 2; sometimes a long line of them."""
    in_hw = in_hw if rng.random() < 0.8 else (in_hw[0] + 40, 2)
    pad, behind = rng.integers(0, 3, (2, 2))
    pad = np.maximum(pad, 3 - np.array(in_hw) - behind)
    out_hw = tuple(int(n) for n in np.array(in_hw) + pad + behind - 2)
    return Window((3, 3), (1, 1), tuple(int(n) for n in pad)), out_hw, in_hw


def random_wide_layer(rng, kind, extreme=False):
    """The same, with inner cells enough for kernels that take several at a time, channels in
    fours or nearly so, and sums of all sizes that have a path of their own."""
    in_hw = tuple(int(n) for n in rng.integers(1, 17, 2))
    if rng.random() < 0.2:
        in_hw = (in_hw[0] + 8, 1)
    channels, rows = (int(n) for n in rng.choice([1, 3, 4, 5, 8, 12, 16], 2))
    window, out_hw = random_window(rng, in_hw)
    if rng.random() < 0.3:
        window, out_hw = Window((1, 1), (1, 1), (0, 0)), in_hw
    if kind is p.Conv2D:
        weights, more = int8(rng, (rows, *window.kernel, channels), extreme), {}
    else:
        window, out_hw, in_hw = random_square(rng, in_hw) if rng.random() < 0.8 else (
            window, out_hw, in_hw)
        rows, more = channels, {"multiplicity": 1}
        weights = int8(rng, (*window.kernel, rows), extreme)
    facts = quantized(rng, weights, rows, weights.size // rows)
    if rng.random() < 0.2:
        facts["bias"] = rng.integers(-(2**30), 2**30, rows).astype(np.int32)
        facts["bias"][::2] = rng.choice([2**30 - 1, 1 - 2**30])
        facts["shift"] -= np.int32(rng.integers(0, 20))
    if rng.random() < 0.1:
        facts["shift"] = rng.integers(-3, 2, rows).astype(np.int32)
        facts["bias"] //= 100
    layer = kind("w", 0, 0, 1, **facts, window=window, **more)
    return layer, (*in_hw, channels), (*out_hw, rows)


def weighted(kind, rng, extreme):
    layer, in_shape, out_shape = random_layer(rng, kind, extreme)
    return layer, [int8(rng, in_shape, extreme)], out_shape


def dilated(kind, rng, extreme):
    """Any padding: the window of a plain layer, its taps moved apart."""
    layer, in_shape, out_shape = random_layer(rng, kind.__mro__[1], extreme)
    window, dilation = layer.window, tuple(int(d) for d in rng.integers(1, 4, 2))
    window = Window(window.kernel, window.stride, window.pad, dilation)
    layer = kind(**{**vars(layer), "window": window})
    return layer, [int8(rng, in_shape, extreme)], out_shape


def grouped(rng, extreme):
    """A dilated layer's window, its weights in groups."""
    plain, [x], out_shape = dilated(p.DilatedConv2D, rng, extreme)
    groups, each, depth = sizes(rng, 6)
    weights = int8(rng, (groups * each, *plain.window.kernel, depth), extreme)
    facts = quantized(rng, weights, len(weights), weights[0].size)
    layer = p.GroupedConv2D("w", 0, 0, 1, **facts, window=plain.window, groups=groups)
    in_shape = (*x.shape[:2], groups * depth)
    return layer, [int8(rng, in_shape, extreme)], (*out_shape[:2], len(weights))


def transposed(rng, extreme):
    """The window of a plain layer, which slides over the output, more or less of it than fits."""
    plain, in_shape, out_shape = random_layer(rng, p.Conv2D, extreme)
    depth, rows = sizes(rng, 11, 2)
    weights = int8(rng, (rows, *plain.window.kernel, depth), extreme)
    facts = quantized(rng, weights, rows, weights[0].size)
    layer = p.TransposeConv("w", 0, 0, 1, **facts, window=plain.window)
    size = [max(1, n + int(rng.choice([0, 0, 1, -1, 4]))) for n in in_shape[:2]]
    return layer, [int8(rng, (*out_shape[:2], depth), extreme)], (*size, rows)


# -- pools, and what moves values --------------------------------------------------------------


def sizes(rng, below: int, count=3) -> tuple[int, ...]:
    return tuple(int(n) for n in rng.integers(1, below, count))


def pool(kind, rng, extreme):
    in_hw, channels = sizes(rng, 10, 2), int(rng.integers(1, 6))
    window, out_hw = random_window(rng, in_hw)
    if reaches_only_padding(window, in_hw, out_hw):
        return pool(kind, rng, extreme)
    x = int8(rng, (*in_hw, channels), extreme)
    if not extreme:
        x = (x // rng.integers(1, 60)).astype(np.int8)  # many equal values
    return kind("p", 0, 0, 1, window, -100, 90), [x], (*out_hw, channels)


def reaches_only_padding(window, in_hw, out_hw) -> bool:
    """Whether some window has no cell inside the input, which no pool in a model has."""
    return any(
        pad >= kernel or (out - 1) * stride - pad >= size
        for kernel, stride, pad, size, out in zip(
            window.kernel, window.stride, window.pad, in_hw, out_hw
        )
    )


def lengths_of(rng) -> tuple[int, int, int, int]:
    """Outer, rows, inner and columns of a reduction; often no columns."""
    outer, rows, inner, columns = sizes(rng, 6, 4)
    return outer, rows, inner, columns if rng.random() < 0.5 else 1


def mean(rng, extreme):
    outer, rows, inner, columns = lengths = lengths_of(rng)
    factor = quantize_multiplier(float(rng.uniform(0.5, 2) / (rows * columns)))
    ends = (int(z) for z in rng.integers(-128, 128, 2))
    layer = p.Mean("m", 0, 0, 1, *lengths, *factor, *ends)
    return layer, [int8(rng, (outer * rows, inner, columns), extreme)], (1, outer, inner)


def reduce_max(rng, extreme):
    outer, rows, inner, columns = lengths = lengths_of(rng)
    x = int8(rng, (outer * rows, inner, columns), extreme)
    if not extreme:
        x = (x // rng.integers(1, 60)).astype(np.int8)  # many equal values
    return p.ReduceMax("m", 0, 0, 1, *lengths), [x], (1, outer, inner)


def pad(rng, extreme):
    shape = sizes(rng, 6)
    before, after = rng.integers(0, 4, (2, 3)) * [1, 1, rng.integers(2)]  # channels or not
    layer = p.Pad("p", 0, 0, 1, tuple(before), tuple(after), int(rng.integers(-128, 128)))
    return layer, [int8(rng, shape, extreme)], tuple(int(n) for n in shape + before + after)


def concatenation(rng, extreme):
    outer, count = sizes(rng, 6, 2)
    chunks = sizes(rng, 9, count)
    others = tuple(range(2, count + 1))
    layer = p.Concatenation("c", 0, 0, 1, others, outer, chunks)
    xs = [int8(rng, (1, outer, chunk), extreme) for chunk in chunks]
    return layer, xs, (1, outer, sum(chunks))


def move(rng, extreme):
    """A cut in any order, forward or backward, and each value read several times, or none is."""
    source = sizes(rng, 8)
    x = np.arange(np.prod(source)).reshape(source)[tuple(
        slice(int(rng.integers(0, n)), None, int(rng.integers(1, 3))) for n in source
    )]
    x = x if rng.random() < 0.3 else np.flip(x, int(rng.integers(0, 3)))
    x = x if rng.random() < 0.3 else x.transpose(rng.permutation(3))
    x = x if rng.random() < 0.5 else np.tile(x, sizes(rng, 4))
    x = x if rng.random() < 0.5 else np.repeat(x, int(rng.integers(1, 4)), axis=1)
    layer = p.Move("m", 0, 0, 1, *straight(x.reshape(-1)))
    return layer, [int8(rng, source, extreme)], x.shape


def gather(rng, extreme):
    outer, chunk, count = sizes(rng, 6)
    sources = int(rng.integers(1, 9))
    layer = p.Gather("g", 0, 0, 1, outer, sources, chunk, rng.integers(0, sources, count))
    return layer, [int8(rng, (outer, sources, chunk), extreme)], (outer, count, chunk)


def resize_bilinear(rng, extreme):
    """Up and down, by any step; errors with all bits of their weights, or without some."""
    shape, size = sizes(rng, 9), np.array(sizes(rng, 40, 2))
    corners = bool(rng.integers(2))
    options = dict(align_corners=corners, half_pixel_centers=not corners and rng.random() < 0.5)
    axes = interpolations((1, *shape), size, options)
    layer = p.ResizeBilinear("r", 0, 0, 1, *axes, error_shift(*axes))
    return layer, [int8(rng, shape, extreme)], (*size.tolist(), shape[2])


# -- functions, sums and products --------------------------------------------------------------


def lookup(rng, extreme):
    """Every value once."""
    x = rng.permutation(np.arange(-128, 128)).astype(np.int8).reshape(1, 16, 16)
    slopes = rng.integers(-(2**14), 2**14 + 1, 256, np.int16)
    if extreme:
        slopes = rng.choice(np.array([-(2**14), 0, 2**14], np.int16), 256)
    return p.Lookup("l", 0, 0, 1, int8(rng, (256,), extreme), slopes, 1.0), [x], x.shape


def softmax(rng, extreme):
    table, classes = exponential_table(float(10 ** rng.uniform(-4, 0.5))), int(rng.integers(1, 200))
    shape = (1, 1, classes)
    return p.Softmax("s", 0, 0, 1, table), [int8(rng, shape, extreme)], shape


def log_softmax(rng, extreme):
    scale = float(np.float32(10 ** rng.uniform(-4, 1)))
    b = ModelBuilder((1, int(rng.integers(2, 200))), scale)
    b.unary("LOG_SOFTMAX", scale=1 / 16, zero_point=127)
    layer, shape = lower(read_tflite(b.build())).layers[0], (1, *b.shape)
    return layer, [int8(rng, shape, extreme)], shape


def softmax_rows(rng, extreme):
    layer, _, (_, _, classes) = softmax(rng, extreme)
    shape = (*sizes(rng, 5, 2), classes)
    rows = p.SoftmaxRows("s", 0, 0, 1, layer.table, shape[0] * shape[1], classes, 1.0)
    return rows, [int8(rng, shape, extreme)], shape


def joined(make, rng, extreme):
    """Two inputs, the second one a divisor of the first in length."""
    period, times = sizes(rng, 12, 2)
    x, other = int8(rng, (1, times, period), extreme), int8(rng, (1, 1, period), extreme)
    full = rng.random() < 0.5
    place = ("j", 0, 0, 1, 2)
    ends = (int(rng.integers(-128, 128)), -128 if full else -100, 127 if full else 90)
    return make(rng, place, ends), [x, other], x.shape


def add(rng, place, ends):
    # The larger scale's factor is a half, the other anything below.
    factors = rng.permutation([0.5, 0.5 * 10 ** rng.uniform(-6, 0)])
    terms = tuple(
        p.Term(int(rng.integers(-128, 128)), *quantize_multiplier(f), int(rng.choice([-1, 1])))
        for f in factors
    )
    scale = quantize_multiplier(2.0**-20 * 10 ** rng.uniform(-1, 1))
    if rng.random() < 0.5:  # means, every other one halfway between two values
        half = quantize_multiplier(0.5)
        terms = tuple(p.Term(term.zero_point, *half, term.sign) for term in terms)
        scale = quantize_multiplier(2.0**-20)
    return p.Add(*place, *scale, *ends, terms)


def mul(rng, place, ends):
    zero_points = tuple(int(z) for z in rng.integers(-128, 128, 2))
    return p.Mul(*place, *quantize_multiplier(float(10 ** rng.uniform(-5, 4))), *ends, zero_points)


def paired(make, rng, extreme):
    """Two inputs of one shape; many equal values."""
    shape = sizes(rng, 7)
    xs = [int8(rng, shape, extreme) for _ in range(2)]
    if not extreme:
        xs = [(x // rng.integers(1, 60)).astype(np.int8) for x in xs]
    return make(rng, ("j", 0, 0, 1, 2)), xs, shape


def extremes(rng, place):
    return p.Extreme(*place, int(rng.choice([-1, 1])))


def squared_difference(rng, place):
    factors = rng.permutation([0.5, 0.5 * 10 ** rng.uniform(-6, 0)])
    terms = tuple(
        p.Term(int(rng.integers(-128, 128)), *quantize_multiplier(f), sign, 7)
        for f, sign in zip(factors, (1, -1))
    )
    scale = quantize_multiplier(float(10 ** rng.uniform(-8, -0.01)))
    return p.SquaredDifference(*place, terms, *scale, int(rng.integers(-128, 128)))


def prelu(rng, extreme):
    period, times = sizes(rng, 12, 2)
    slopes, shape = int8(rng, (period,), extreme), (1, times, period)
    pairs = [quantize_multiplier(float(10 ** rng.uniform(-4, f))) for f in (2, 0)]
    derivatives = rng.integers(-(2**14), 2**14 + 1, period, np.int16)
    if extreme:
        derivatives = rng.choice(np.array([-(2**14), 2**14], np.int16), period)
    ends = tuple(int(z) for z in rng.integers(-128, 128, 3))
    layer = p.Prelu("p", 0, 0, 1, slopes, ends, *pairs, derivatives, 2**14, 1.0)
    return layer, [int8(rng, shape, extreme)], shape


LAYERS = {
    **{kind: partial(weighted, kind) for kind in (p.Conv2D, p.DepthwiseConv2D, p.FullyConnected)},
    **{kind: partial(dilated, kind) for kind in (p.DilatedConv2D, p.DilatedDepthwiseConv2D)},
    p.GroupedConv2D: grouped, p.TransposeConv: transposed,
    **{kind: partial(pool, kind) for kind in (p.MaxPool2D, p.AveragePool2D)},
    p.Mean: mean, p.ReduceMax: reduce_max, p.Pad: pad, p.Concatenation: concatenation,
    p.Move: move, p.Gather: gather, p.ResizeBilinear: resize_bilinear,
    p.Lookup: lookup, p.Softmax: softmax, p.SoftmaxRows: softmax_rows,
    p.LogSoftmax: log_softmax,
    p.Add: partial(joined, add), p.Mul: partial(joined, mul),
    p.Extreme: partial(paired, extremes), p.Prelu: prelu,
    p.SquaredDifference: partial(paired, squared_difference),
}  # fmt: skip
