"""The C engine's operators that join, move and look up values, and its dilated convolutions,
against the numpy reference: forward and backward, bit for bit, on random layers and under the
undefined-behaviour sanitizer."""

import ctypes

import numpy as np
import pytest
from c_engine import (
    AddC,
    Clip,
    ConcatenationC,
    MulC,
    StridedSliceC,
    TermC,
    address,
    errors,
    gradient_c,
    int8,
    parameters_c,
    pointer,
    random_clip,
    random_layer,
    shape_c,
    u32,
)

from edgetune.learn import operators as p
from edgetune.learn.block import normalise
from edgetune.learn.fixedpoint import quantize_multiplier
from edgetune.learn.program import Window
from edgetune.learn.widths import MAX_POSITIONS


def wide(*inputs) -> list[np.ndarray]:
    return [x.astype(np.int64) for x in inputs]


def expected(layer, *inputs_and_shape):
    *inputs, shape = inputs_and_shape
    return layer.forward(wide(*inputs), shape)


def check_error(function, what, layer, operand, xs, e, clip):
    """The error of input ``operand``.  ``what``: the engine's arguments before the error."""
    x, *others = (xs[i] for i in layer.error_operands(operand))
    v = layer.input_error(operand, e.astype(np.int64), wide(*xs))
    mantissa, shift = normalise(np.where((x > clip[0]) & (x < clip[1]), v, 0))
    e_in = np.zeros(x.shape, np.int8)
    got = function(
        *what, address(e), address(x), *map(address, others), Clip(*clip), address(e_in)
    )
    np.testing.assert_array_equal(e_in, mantissa)
    assert got == shift
    return mantissa


# -- sums and products -------------------------------------------------------------------------


def operands(rng, extreme):
    """Two inputs, the second one a divisor of the first in length."""
    period, times = (int(n) for n in rng.integers(1, 12, 2))
    return int8(rng, (1, times, period), extreme), int8(rng, (1, 1, period), extreme)


def output_quantization(rng, low=-100, high=90):
    full = rng.random() < 0.5
    return int(rng.integers(-128, 128)), -128 if full else low, 127 if full else high


def check_joining(library, rng, layer, parameters, xs, extreme):
    """Forward, and the errors of both operands."""
    reference, (x, other) = ctypes.byref(parameters), xs
    y = np.zeros(x.shape, np.int8)
    getattr(library, f"et_{layer.kind}_forward")(reference, *map(address, (x, other, y)))
    np.testing.assert_array_equal(y, expected(layer, x, other, x.shape))
    function, e = getattr(library, f"et_{layer.kind}_input_error"), errors(rng, x.shape, extreme)
    for operand in (0, 1):
        what = reference, u32(operand)
        check_error(function, what, layer, operand, xs, e, random_clip(rng))


def random_sum(rng, x, other):
    # The larger scale's factor is a half, the other anything below.
    factors = rng.permutation([0.5, 0.5 * 10 ** rng.uniform(-6, 0)])
    terms = tuple(
        p.Term(int(rng.integers(-128, 128)), *quantize_multiplier(f), int(rng.choice([-1, 1])))
        for f in factors
    )
    scale = quantize_multiplier(2.0**-20 * 10 ** rng.uniform(-1, 1))
    layer = p.Add("a", 0, 0, 2, 1, *scale, *output_quantization(rng), terms)
    return layer, AddC(
        x.size, other.size, (TermC * 2)(*(
            TermC(t.zero_point, t.sign, t.multiplier, t.shift) for t in terms
        )), *scale, layer.output_zero_point, layer.activation_min, layer.activation_max,
    )


def random_product(rng, x, other):
    zero_points = tuple(int(z) for z in rng.integers(-128, 128, 2))
    scale = quantize_multiplier(float(10 ** rng.uniform(-5, 4)))
    layer = p.Mul("m", 0, 0, 2, 1, *scale, *output_quantization(rng), zero_points)
    return layer, MulC(
        x.size, other.size, (ctypes.c_int16 * 2)(*zero_points), *scale,
        layer.output_zero_point, layer.activation_min, layer.activation_max,
    )


@pytest.mark.parametrize("extreme", [False, True], ids=["random", "extreme"])
@pytest.mark.parametrize("make", [random_sum, random_product], ids=["sums", "products"])
def test_joining(library, make, extreme):
    rng = np.random.default_rng(31)
    for _ in range(200):
        xs = operands(rng, extreme)
        check_joining(library, rng, *make(rng, *xs), xs, extreme)


@pytest.mark.parametrize("make", [random_sum, random_product], ids=["sums", "products"])
def test_an_operand_that_repeats_as_often_as_it_may(library, make):
    """The largest sum of all: every product of one sign, at the bound of the widths."""
    rng = np.random.default_rng(32)
    x, other = np.full((1, MAX_POSITIONS, 1), -128, np.int8), int8(rng, (1, 1, 1))
    layer, parameters = make(rng, x, other)
    if layer.kind == "mul":
        layer.zero_points = parameters.zero_points[0], _ = 127, 0
    e, what = np.full(x.shape, 127, np.int8), (ctypes.byref(parameters), u32(1))
    function = getattr(library, f"et_{layer.kind}_input_error")
    assert check_error(function, what, layer, 1, (x, other), e, (-129, 128)).any()


# -- what moves values -------------------------------------------------------------------------


def test_concatenation(library):
    rng = np.random.default_rng(33)
    for round_ in range(60):
        outer, count = (int(n) for n in rng.integers(1, 6, 2))
        chunks = rng.integers(1, 9, count).astype(np.uint32)
        inputs = [int8(rng, (1, outer, int(chunk))) for chunk in chunks]
        shape = (1, outer, int(chunks.sum()))
        layer = p.Concatenation(
            "c", 0, 0, count, tuple(range(1, count)), outer, tuple(map(int, chunks))
        )
        parameters, y = ConcatenationC(outer, count, address(chunks)), np.zeros(shape, np.int8)
        pointers = (pointer * count)(*map(address, inputs))
        library.et_concatenation_forward(ctypes.byref(parameters), pointers, address(y))
        np.testing.assert_array_equal(y, expected(layer, *inputs, shape))
        e = errors(rng, shape, extreme=round_ % 2 == 0)
        for operand in range(count):
            check_error(library.et_concatenation_input_error,
                        (ctypes.byref(parameters), u32(operand)), layer, operand, inputs, e,
                        random_clip(rng))


def test_strided_slice(library):
    rng = np.random.default_rng(34)
    for round_ in range(60):
        source = tuple(int(n) for n in rng.integers(1, 8, 3))
        begin = tuple(int(rng.integers(0, n)) for n in source)
        size = tuple(int(rng.integers(1, n - b + 1)) for n, b in zip(source, begin))
        layer = p.StridedSlice("s", 0, 0, 1, source, begin, size)
        x, y = int8(rng, source), np.zeros(size, np.int8)
        parameters = StridedSliceC(shape_c(source), shape_c(size), *begin)
        library.et_strided_slice_forward(ctypes.byref(parameters), address(x), address(y))
        np.testing.assert_array_equal(y, expected(layer, x, size))
        e = errors(rng, size, extreme=round_ % 2 == 0)
        check_error(library.et_strided_slice_input_error, (ctypes.byref(parameters),), layer, 0,
                    [x], e, random_clip(rng))


def test_lookup(library):
    rng = np.random.default_rng(35)
    x = rng.permutation(np.arange(-128, 128)).astype(np.int8).reshape(1, 16, 16)
    for round_ in range(40):
        table, slopes = int8(rng, (256,)), rng.integers(-(2**14), 2**14 + 1, 256, np.int16)
        if round_ % 4 == 0:
            slopes = rng.choice(np.array([-(2**14), 0, 2**14], np.int16), 256)
        layer, y = p.Lookup("l", 0, 0, 1, table, slopes, 1.0), np.zeros(x.shape, np.int8)
        library.et_lookup_forward(address(table), u32(x.size), address(x), address(y))
        np.testing.assert_array_equal(y, expected(layer, x, x.shape))
        e = errors(rng, x.shape, extreme=round_ % 2 == 0)
        check_error(library.et_lookup_input_error, (address(slopes), u32(x.size)), layer, 0, [x],
                    e, random_clip(rng))


# -- dilation ----------------------------------------------------------------------------------


def random_dilated(rng, kind, extreme):
    """Any padding: the window of a plain layer, its taps moved apart."""
    layer, in_shape, out_shape = random_layer(rng, kind.__mro__[1], extreme)
    window, dilation = layer.window, tuple(int(d) for d in rng.integers(1, 4, 2))
    window = Window(window.kernel, window.stride, window.pad, dilation)
    return kind(**{**vars(layer), "window": window}), in_shape, out_shape


@pytest.mark.parametrize("extreme", [False, True], ids=["random", "extreme"])
@pytest.mark.parametrize("kind", [p.DilatedConv2D, p.DilatedDepthwiseConv2D])
def test_dilated_convolutions(library, kind, extreme):
    rng = np.random.default_rng(36)
    for _ in range(80):
        layer, in_shape, out_shape = random_dilated(rng, kind, extreme)
        x, y = int8(rng, in_shape, extreme), np.zeros(out_shape, np.int8)
        name, parameters = parameters_c(layer, in_shape, out_shape)
        getattr(library, f"et_{name}_forward")(
            ctypes.byref(parameters), address(layer.weights), address(layer.bias), address(x),
            address(y), None,
        )
        np.testing.assert_array_equal(y, expected(layer, x, out_shape))


@pytest.mark.parametrize("extreme", [False, True], ids=["random", "extreme"])
@pytest.mark.parametrize("kind", [p.DilatedConv2D, p.DilatedDepthwiseConv2D])
def test_errors_and_gradients_of_dilated_convolutions(library, kind, extreme):
    rng = np.random.default_rng(37)
    for _ in range(80):
        layer, in_shape, out_shape = random_dilated(rng, kind, extreme)
        x, e = int8(rng, in_shape, extreme), errors(rng, out_shape, extreme)
        name, parameters = parameters_c(layer, in_shape, out_shape)
        what = ctypes.byref(parameters), address(layer.weights)
        function = getattr(library, f"et_{name}_input_error")
        check_error(function, what, layer, 0, [x], e, random_clip(rng))
        got = gradient_c(library, layer, e, x, in_shape, out_shape)
        np.testing.assert_array_equal(got, layer.gradient(*wide(e, x)))
