"""The C engine's operators without a backward against the numpy reference, bit for bit, on
random layers and under the undefined-behaviour sanitizer."""

import ctypes

import numpy as np
import pytest
from c_engine import (
    COMPILER,
    AddC,
    ConcatenationC,
    MulC,
    StridedSliceC,
    TermC,
    address,
    build,
    int8,
    parameters_c,
    pointer,
    random_layer,
    shape_c,
    u32,
)

from edgetune.learn import operators as p
from edgetune.learn.fixedpoint import quantize_multiplier
from edgetune.learn.program import Window

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler for this machine")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build(tmp_path_factory.mktemp("joining"))


def expected(layer, *inputs_and_shape):
    *inputs, shape = inputs_and_shape
    return layer.forward([x.astype(np.int64) for x in inputs], shape)


# -- sums and products -------------------------------------------------------------------------


def operands(rng, extreme):
    """Two inputs, the second one a divisor of the first in length."""
    period, times = (int(n) for n in rng.integers(1, 12, 2))
    return int8(rng, (1, times, period), extreme), int8(rng, (1, 1, period), extreme)


def output_quantization(rng, low=-100, high=90):
    full = rng.random() < 0.5
    return int(rng.integers(-128, 128)), -128 if full else low, 127 if full else high


def run_joined(function, parameters, x, other):
    y = np.zeros(x.shape, np.int8)
    function(ctypes.byref(parameters), address(x), address(other), address(y))
    return y


@pytest.mark.parametrize("extreme", [False, True], ids=["random", "extreme"])
def test_sums(library, extreme):
    rng = np.random.default_rng(31)
    for _ in range(200):
        x, other = operands(rng, extreme)
        # The larger scale's factor is a half, the other anything below.
        factors = rng.permutation([0.5, 0.5 * 10 ** rng.uniform(-6, 0)])
        terms = tuple(
            p.Term(int(rng.integers(-128, 128)), *quantize_multiplier(f), int(rng.choice([-1, 1])))
            for f in factors
        )
        scale = quantize_multiplier(2.0**-20 * 10 ** rng.uniform(-1, 1))
        layer = p.Add("a", 0, 0, 2, 1, *scale, *output_quantization(rng), terms)
        parameters = AddC(
            x.size, other.size, (TermC * 2)(*(
                TermC(t.zero_point, t.sign, t.multiplier, t.shift) for t in terms
            )), *scale, layer.output_zero_point, layer.activation_min, layer.activation_max,
        )
        got = run_joined(library.et_add_forward, parameters, x, other)
        np.testing.assert_array_equal(got, expected(layer, x, other, x.shape))


@pytest.mark.parametrize("extreme", [False, True], ids=["random", "extreme"])
def test_products(library, extreme):
    rng = np.random.default_rng(32)
    for _ in range(200):
        x, other = operands(rng, extreme)
        zero_points = tuple(int(z) for z in rng.integers(-128, 128, 2))
        scale = quantize_multiplier(float(10 ** rng.uniform(-5, 4)))
        layer = p.Mul("m", 0, 0, 2, 1, *scale, *output_quantization(rng), zero_points)
        parameters = MulC(
            x.size, other.size, (ctypes.c_int16 * 2)(*zero_points), *scale,
            layer.output_zero_point, layer.activation_min, layer.activation_max,
        )
        got = run_joined(library.et_mul_forward, parameters, x, other)
        np.testing.assert_array_equal(got, expected(layer, x, other, x.shape))


# -- what moves values -------------------------------------------------------------------------


def test_concatenation(library):
    rng = np.random.default_rng(33)
    for _ in range(60):
        outer, count = (int(n) for n in rng.integers(1, 6, 2))
        chunks = rng.integers(1, 9, count).astype(np.uint32)
        inputs = [int8(rng, (1, outer, int(chunk))) for chunk in chunks]
        shape = (1, outer, int(chunks.sum()))
        layer = p.Concatenation("c", 0, 0, count, tuple(range(1, count)), outer, tuple(chunks))
        parameters, y = ConcatenationC(outer, count, address(chunks)), np.zeros(shape, np.int8)
        pointers = (pointer * count)(*map(address, inputs))
        library.et_concatenation_forward(ctypes.byref(parameters), pointers, address(y))
        np.testing.assert_array_equal(y, expected(layer, *inputs, shape))


def test_strided_slice(library):
    rng = np.random.default_rng(34)
    for _ in range(60):
        source = tuple(int(n) for n in rng.integers(1, 8, 3))
        begin = tuple(int(rng.integers(0, n)) for n in source)
        size = tuple(int(rng.integers(1, n - b + 1)) for n, b in zip(source, begin))
        layer = p.StridedSlice("s", 0, 0, 1, source, begin, size)
        x, y = int8(rng, source), np.zeros(size, np.int8)
        parameters = StridedSliceC(shape_c(source), shape_c(size), *begin)
        library.et_strided_slice_forward(ctypes.byref(parameters), address(x), address(y))
        np.testing.assert_array_equal(y, expected(layer, x, size))


def test_lookup(library):
    rng = np.random.default_rng(35)
    table, x = int8(rng, (256,)), np.arange(-128, 128).astype(np.int8).reshape(1, 16, 16)
    layer, y = p.Lookup("l", 0, 0, 1, table), np.zeros(x.shape, np.int8)
    library.et_lookup_forward(address(table), u32(x.size), address(x), address(y))
    np.testing.assert_array_equal(y, expected(layer, x, x.shape))


# -- dilation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("extreme", [False, True], ids=["random", "extreme"])
@pytest.mark.parametrize("kind", [p.DilatedConv2D, p.DilatedDepthwiseConv2D])
def test_dilated_convolutions(library, kind, extreme):
    """Any padding: the window of a plain layer, its taps moved apart."""
    rng = np.random.default_rng(36)
    plain = kind.__mro__[1]
    for _ in range(80):
        layer, in_shape, out_shape = random_layer(rng, plain, extreme)
        window, dilation = layer.window, tuple(int(d) for d in rng.integers(1, 4, 2))
        window = Window(window.kernel, window.stride, window.pad, dilation)
        layer = kind(**{**vars(layer), "window": window})
        x, y = int8(rng, in_shape, extreme), np.zeros(out_shape, np.int8)
        name, parameters = parameters_c(layer, in_shape, out_shape)
        getattr(library, f"et_{name}_forward")(
            ctypes.byref(parameters), address(layer.weights), address(layer.bias), address(x),
            address(y), None,
        )
        np.testing.assert_array_equal(y, expected(layer, x, out_shape))
