"""The C engine's operators against the numpy reference, bit for bit, on random layers.

The library runs under the undefined-behaviour sanitizer, and once more under the address
sanitizer in a process of its own.
"""

import ctypes
import math
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from c_engine import (
    COMPILER,
    SANITIZE,
    CUpdate,
    address,
    blocks_c,
    build,
    forward_c,
    gradient_c,
    input_error_c,
    kernels,
    scaled_c,
    u32,
)
from loop_works import dense
from random_layers import (
    LAYERS,
    errors,
    int8,
    quantized,
    random_clip,
    random_layer,
    random_wide_layer,
)
from thinned import counts, thinned

from edgetune.boards.cores import CORES
from edgetune.learn import operators as p
from edgetune.learn.block import normalise
from edgetune.learn.digest import parameter_digest
from edgetune.learn.draws import DRAWS, apply_steps
from edgetune.learn.fixedpoint import channel_ratios
from edgetune.learn.generator import Generator, mix32
from edgetune.learn.program import Layer, Window
from edgetune.learn.rules import FixedRate, Gradient, Learning, Outcome
from edgetune.learn.widths import MAX_POSITIONS
from edgetune.plan.kernels import KERNELS, Site

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler for this machine")

WEIGHTED = [p.Conv2D, p.DepthwiseConv2D, p.FullyConnected]
OPTIONS = {
    "systematic": (), "independent": ("-DET_DRAW_INDEPENDENT",),
    "narrowed": ("-DET_WHOLE_FOURS", "-DET_FLAT_CONVOLUTIONS"),
    "without dsp": ("-DET_VECTORS", "-DET_WIDE_CELLS", "-DET_HALF_PRODUCTS"),
}
DRAWN = "systematic", "independent"


@pytest.fixture(scope="module")
def libraries(library, tmp_path_factory):
    """By the name of its options, made when it is asked for."""
    made = {"systematic": library}

    def of(draw):
        if draw not in made:
            made[draw] = build(tmp_path_factory.mktemp(draw), *OPTIONS[draw])
        return made[draw]

    return of


def wide(*arrays) -> list[np.ndarray]:
    return [array.astype(np.int64) for array in arrays]


def check_input_error(library, rng, layer, operand, e, xs):
    clip = random_clip(rng)
    x, v = xs[operand], layer.input_error(operand, *wide(e), wide(*xs))
    expected, shift = normalise(np.where((x > clip[0]) & (x < clip[1]), v, 0))
    for kernel in kernels(layer, "input_error", x.shape, e.shape):
        got, got_shift = input_error_c(library, layer, operand, e, xs, clip, kernel)
        np.testing.assert_array_equal(got, expected, kernel.symbol)
        assert got_shift == shift


def check_layer(library, rng, layer, xs, out_shape, extreme=False, blocks=1):
    """Forward, the error of every input, and the gradient, in blocks of a multiple of ``blocks``
    rows: as far as the operator has them."""
    expected = layer.forward(wide(*xs), out_shape)
    for kernel in kernels(layer, "forward", xs[0].shape, out_shape):
        got = forward_c(library, layer, xs, out_shape, kernel)
        np.testing.assert_array_equal(got, expected, kernel.symbol)
    e = errors(rng, out_shape, extreme)
    if passes_errors(type(layer)):
        for operand in range(len(xs)):
            check_input_error(library, rng, layer, operand, e, xs)
    if layer.weighted:
        e[..., rng.random(out_shape[-1]) < 0.3] = 0  # channels that a RELU holds
        centre = some_centre(rng, layer)
        expected = p.about(layer.gradient(*wide(e, xs[0])), centre)
        np.testing.assert_array_equal(gradient_c(library, layer, e, xs[0], centre), expected)
        for kernel in in_blocks(layer, xs[0].shape, out_shape):
            rows = blocks * int(rng.integers(1, layer.rows // blocks + 1))
            got = blocks_c(library, kernel, layer, e, xs[0], rows, centre)
            np.testing.assert_array_equal(got, expected, kernel.forms)


def some_centre(rng, layer) -> int:
    """That of inputs of any mean, or none."""
    mean = rng.choice([layer.input_zero_point, -128, 127, *rng.integers(-128, 128, 3)])
    return int(mean) - layer.input_zero_point


def in_blocks(layer, x_shape, y_shape):
    """Kernels of an update that form blocks of the gradient."""
    site = Site(layer, x_shape, y_shape, CORES["cortex-m55"])
    return [k for k in KERNELS["update"] if k.forms and k.fits(site)]


def passes_errors(kind) -> bool:
    return kind.input_error is not Layer.input_error


# -- operators ---------------------------------------------------------------------------------


@pytest.mark.parametrize("extreme", [False, True], ids=["random", "extreme"])
@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("count", counts(6, 80))
def test_an_operator(library, kind, extreme, count):
    rng = np.random.default_rng(1)
    for _ in range(count):
        layer, xs, out_shape = LAYERS[kind](rng, extreme)
        check_layer(library, rng, layer, xs, out_shape, extreme)


@pytest.mark.parametrize("extreme", [False, True], ids=["random", "extreme"])
@pytest.mark.parametrize("kind", [p.Conv2D, p.DepthwiseConv2D])
@pytest.mark.parametrize("count", counts(40, 600))
def test_kernels_that_take_several_cells(library, kind, extreme, count):
    rng = np.random.default_rng(33)
    for _ in range(count):
        layer, in_shape, out_shape = random_wide_layer(rng, kind, extreme)
        check_layer(library, rng, layer, [int8(rng, in_shape, extreme)], out_shape, extreme)


@pytest.mark.thorough  # the engine is compiled anew
@pytest.mark.parametrize("extreme", [False, True], ids=["random", "extreme"])
@pytest.mark.parametrize("kind", [p.Conv2D, p.DepthwiseConv2D])
@pytest.mark.parametrize("count", counts(40, 600))
def test_convolutions_without_the_dsp_extension(libraries, kind, extreme, count):
    """By bytes, a lane a channel, as vectors take them too; by cells of words; and by products of
    halves: the plain twins of what surrounds the assembly."""
    rng = np.random.default_rng(34)
    for _ in range(count):
        layer, in_shape, out_shape = random_wide_layer(rng, kind, extreme)
        x = int8(rng, in_shape, extreme)
        check_layer(libraries("without dsp"), rng, layer, [x], out_shape, extreme)


@pytest.mark.thorough  # the engine is compiled anew
@pytest.mark.parametrize("kind", [p.Conv2D, p.FullyConnected])
def test_kernels_that_leave_out_what_no_layer_needs(libraries, kind):
    rng, library = np.random.default_rng(9), libraries("narrowed")
    for _ in range(60):
        shape, rows = (*(int(n) for n in rng.integers(1, 9, 2)), 4 * int(rng.integers(1, 9))), 12
        size = shape[2] if kind is p.Conv2D else math.prod(shape)
        facts = quantized(rng, int8(rng, (rows, size)), rows, size)
        if kind is p.Conv2D:
            facts |= {"window": Window((1, 1), (1, 1), (0, 0))}
            facts["weights"] = facts["weights"].reshape(rows, 1, 1, size)
        layer = kind("flat", 0, 0, 1, **facts)
        out_shape = (*shape[:2], rows) if kind is p.Conv2D else (1, 1, rows)
        check_layer(library, rng, layer, [int8(rng, shape)], out_shape, blocks=4)


def test_every_operator_has_random_layers():
    classes = {kind for kind in vars(p).values() if isinstance(kind, type)}
    assert set(LAYERS) == {kind for kind in classes if issubclass(kind, Layer) and kind.kind}


@pytest.mark.parametrize("kind", [kind for kind in LAYERS if issubclass(kind, p.JoiningLayer)])
def test_an_operand_that_repeats_as_often_as_it_may(library, kind):
    """The largest sum of all: every value of one sign, at the bound of the widths."""
    rng = np.random.default_rng(32)
    layer, _, _ = LAYERS[kind](rng, True)
    if hasattr(layer, "zero_points"):
        layer.zero_points = 127, 0
    xs = np.full((1, MAX_POSITIONS, 1), -128, np.int8), int8(rng, (1, 1, 1))
    e = np.full(xs[0].shape, 127, np.int8)
    expected, shift = normalise(layer.input_error(1, *wide(e), wide(*xs)))
    got = input_error_c(library, layer, 1, e, xs, (-129, 128))
    assert (got[0].item(), got[1]) == (expected.item(), shift) and expected.any()


@pytest.mark.parametrize("built", [
    "systematic", pytest.param("without dsp", marks=pytest.mark.thorough),
])
def test_requantisation_at_its_ends(libraries, built):
    """Accumulators, multipliers and shifts up to their limits, through a dense layer's bias."""
    rng = np.random.default_rng(2)
    for shift in range(-31, 31):
        rows = 64
        layer, *_ = random_layer(rng, p.FullyConnected)
        layer.weights = np.zeros((rows, 1), np.int8)
        largest = 2 ** (31 - max(0, shift)) - 1
        ends = [0, 1, -1, largest, -largest, largest // 2, -largest // 2]
        layer.bias = rng.integers(-largest, largest + 1, rows).astype(np.int32)
        layer.bias[: len(ends)] = ends
        layer.multiplier = rng.integers(2**30, 2**31, rows).astype(np.int32)
        layer.multiplier[-3:] = [2**30, 2**31 - 1, 0]
        layer.shift = np.full(rows, shift, np.int32)
        layer.output_zero_point, layer.activation_min, layer.activation_max = 0, -128, 127
        check_layer(libraries(built), rng, layer, [int8(rng, (1, 1, 1))], (1, 1, rows))


@pytest.mark.parametrize("kernel", KERNELS["error_scale"], ids=lambda kernel: kernel.symbol)
def test_error_scale(library, kernel):
    rng = np.random.default_rng(8)
    for round_ in range(40):
        positions, channels = (int(n) for n in rng.integers(1, 30, 2))
        multiplier, shift = rng.integers(2**30, 2**31, channels), rng.integers(-9, -5, channels)
        multiplier[1:][round_ % 4 == 1 :: 5] = 0
        shift[-1] = -31 if round_ % 4 == 2 else shift[-1]
        shift[0] = 30 if round_ % 4 == 3 else shift[0]
        shift[multiplier == 0] = 0
        ratio = channel_ratios(multiplier, shift)
        ratio = np.full(channels, 2**15) if ratio is None else ratio
        e = errors(rng, (positions, channels), extreme=round_ % 2 == 0)
        if round_ % 3 == 0:
            e[:-1] //= 16  # the last row decides
        if round_ % 5 == 0:
            e[...] = 0
        expected, expected_shift = normalise(e.astype(np.int64) * ratio)
        assert scaled_c(library, kernel.symbol, e, multiplier, shift) == expected_shift
        np.testing.assert_array_equal(e, expected)


@pytest.mark.parametrize("kernel", KERNELS["error_scale"], ids=lambda kernel: kernel.symbol)
def test_a_dead_channel_s_shift_says_nothing_of_its_size(library, kernel):
    """Its multiplier and shift are 0, above all shifts of channels as small as these."""
    multiplier, shift = np.array([2**30, 2**30, 0]), np.array([-19, -18, 0])
    np.testing.assert_array_equal(channel_ratios(multiplier, shift), [2**14, 2**15, 0])
    e = np.array([[4, 2, 127]], np.int8)
    assert scaled_c(library, kernel.symbol, e, multiplier, shift) == normalise(
        np.array([4 * 2**14, 2 * 2**15, 0]))[1]
    np.testing.assert_array_equal(e, [[64, 64, 0]])


# -- generator, digest -------------------------------------------------------------------------


def test_generator(library):
    for seed in (0, 1, 2**31, 2**32 - 1):
        state, expected = np.zeros(2, np.uint32), Generator(seed)
        library.et_generator_start(address(state), u32(seed))
        assert tuple(state) == expected.state
        for total in (1, 2, 1000, 2**32 - 1, 2**32, 2**32 + 1, 3 * 2**40 + 7, 2**64 - 1) * 20:
            assert library.et_generator_below(address(state), total) == expected.below(total)
            assert library.et_generator_next(address(state)) == expected.next()


def test_digest(library):
    rng = np.random.default_rng(9)
    layer, in_shape, out_shape = random_layer(rng, p.DepthwiseConv2D)
    c = CUpdate(library, layer, in_shape, out_shape, 256, seed=5)
    assert c.digest.value == parameter_digest([layer.weights, layer.bias])
    c.null_mass.total, c.null_mass.exponent, c.null_mass.count = 12345, -3, 7
    digest = 0
    for word in (c.digest.value, 0, *c.learner.generator, 12345, -3, 7):
        digest = mix32(digest + word + 0x9E3779B9)
    got = library.et_digest(c.digest, ctypes.byref(c.learner), ctypes.byref(c.null_mass), u32(3))
    assert got == digest


# -- updates -----------------------------------------------------------------------------------


def one_layer_rule(layer, limit_q8, biases) -> FixedRate:
    """Of the rate that gives the layer ``limit_q8``."""
    learning = Learning(None, [layer], None, weights=not biases)
    rule = FixedRate(learning, limit_q8 / (256 * math.sqrt(learning.count(layer))))
    assert rule.limits_q8 == [limit_q8]
    return rule


class Update:
    """The reference's update of one layer, with a generator and a null mass of its own."""

    def __init__(self, layer, draw, limit_q8, seed, total_steps, biases=False):
        self.biases = biases
        self.layer, self.draw = layer, DRAWS[draw]
        self.total_steps, self.count = total_steps, 0
        self.generator, self.rule = Generator(seed), one_layer_rule(layer, limit_q8, biases)

    def step(self, e, exponent, x) -> int:
        gradient = self.layer.gradient(e.astype(np.int64), x.astype(np.int64))
        gradient = gradient[:, -1:] if self.biases else gradient
        self.rule.observe(Outcome(self.count, self.total_steps, np.zeros(1), 0, 0))
        self.count += 1
        if not gradient.any():
            return 0
        n = self.rule.trials(0, Gradient(np.abs(gradient), e, exponent), self.generator)
        if n:
            counts = self.draw(np.abs(gradient), n, self.generator)
            apply_steps(self.layer, np.sign(gradient) * counts)
        return n


def check_updates(
    library, draw, layer, shapes, samples, limit_q8, total_steps, factored=False, biases=False,
    step=None,
):
    c = CUpdate(library, layer, *shapes, limit_q8, 11, total_steps, biases)
    expected = Update(layer, draw, limit_q8, 11, total_steps, biases)
    learning = [layer.bias] if biases else [layer.weights, layer.bias]
    drawn = 0
    for e, exponent, x in samples:
        n = expected.step(e, exponent, x)
        assert (c.step(e, exponent, x, factored) if step is None else step(c, e, exponent, x)) == n
        drawn += n
        np.testing.assert_array_equal(c.weights, layer.weights)
        np.testing.assert_array_equal(c.bias, layer.bias)
        assert tuple(c.learner.generator) == expected.generator.state
        state = (c.null_mass.total, c.null_mass.exponent, c.null_mass.count)
        mass = expected.rule.layers[0]
        assert state == (mass.total, mass.exponent, mass.count)
        assert c.digest.value == parameter_digest(learning)
    return drawn


def random_samples(rng, in_shape, out_shape, count):
    """Errors of all kinds: full, sparse, zero; exponents that jump by up to 50."""
    for _ in range(count):
        e = errors(rng, out_shape, extreme=rng.random() < 0.2)
        e[rng.random(out_shape) < rng.choice([0, 0.5, 0.95])] = 0
        if rng.random() < 0.1:
            e[...] = 0
        yield e, int(rng.integers(-25, 25)), int8(rng, in_shape)


@pytest.mark.parametrize("draw", thinned(DRAWN, 2))
@pytest.mark.parametrize("kind", thinned(WEIGHTED, 3))
def test_updates(libraries, kind, draw):
    rng = np.random.default_rng(12)
    for limit_q8 in (0, 100, 256 * 20, 256 * 3000):
        for _ in range(3):
            layer, *shapes = random_layer(rng, kind)
            samples = random_samples(rng, *shapes, 12)
            drawn = check_updates(libraries(draw), draw, layer, shapes, samples, limit_q8, 20)
            assert drawn or limit_q8 < 256


@pytest.mark.parametrize("inputs, rows", [(20000, 40), (280000, 2)])
def test_updates_from_rows_of_much_mass(library, inputs, rows):
    """Rows below 2**30 and above 2**32; few trials, whose stride is longer than a row, and many."""
    rng = np.random.default_rng(23)
    shapes = (1, 1, inputs), (1, 1, rows)
    for trials in (1, 3, 700):
        layer = dense(inputs, rows).layer
        x, e = np.full(shapes[0], 127, np.int8), np.full(shapes[1], -127, np.int8)
        x[..., ::3], e[..., 1] = -128, 90
        mass = np.abs(layer.gradient(e.astype(np.int64), x.astype(np.int64))).sum(axis=1)
        assert mass.max() >> 30 == 0 or mass.max() >> 32
        assert mass.sum() >> 33
        samples = [(e, 0, int8(rng, shapes[0], extreme=True)), (e, 0, x), (e, 3, x)]
        limit = 2 * trials * 256
        assert check_updates(library, "systematic", layer, shapes, samples, limit, 0)


@pytest.mark.parametrize("draw", thinned(DRAWN, 2))
@pytest.mark.parametrize("kind", [p.Conv2D, p.DepthwiseConv2D])
def test_updates_in_blocks(libraries, kind, draw):
    """Of one row, of some, and of all, which are formed once."""
    rng = np.random.default_rng(19)
    for limit_q8 in (100, 256 * 20, 256 * 3000):
        for part in (1, 2, 3):
            layer, *shapes = random_wide_layer(rng, kind)
            rows = -(-layer.rows // part)
            for kernel in in_blocks(layer, *shapes):
                step = partial(CUpdate.step_in_blocks, kernel=kernel, rows=rows)
                samples = random_samples(rng, *shapes, 8)
                check_updates(
                    libraries(draw), draw, layer, shapes, samples, limit_q8, 20, step=step
                )


def test_a_depthwise_kernel_as_high_as_it_has_channels(library):
    """Nothing tells the two axes of such weights apart but the kind of the layer."""
    rng = np.random.default_rng(17)
    layer, *_ = random_layer(rng, p.FullyConnected)
    fields = {**vars(layer), "weights": int8(rng, (3, 2, 3)), "bias": np.zeros(3, np.int32)}
    window = Window((3, 2), (1, 1), (1, 0))
    layer = p.DepthwiseConv2D(**fields, window=window, multiplicity=1)
    shapes = (5, 6, 3), (5, 5, 3)
    samples = random_samples(rng, *shapes, 6)
    check_updates(library, "systematic", layer, shapes, samples, 256 * 9, 0)


@pytest.mark.parametrize("draw", thinned(DRAWN, 2))
def test_factored_updates(libraries, draw):
    """The same bits as the gradient's draw, though no gradient is formed."""
    rng = np.random.default_rng(13)
    for limit_q8 in (100, 256 * 20, 256 * 3000):
        for _ in range(6):
            layer, *shapes = random_layer(rng, p.FullyConnected)
            samples = random_samples(rng, *shapes, 12)
            check_updates(libraries(draw), draw, layer, shapes, samples, limit_q8, 0, True)


@pytest.mark.parametrize("draw", thinned(DRAWN, 2))
@pytest.mark.parametrize("rows, size", [(500, 3000), (9, 700)], ids=["wide", "flat"])
def test_factored_updates_of_large_layers(libraries, rows, size, draw):
    """Strides beyond a row's mass and far below it, at extreme errors and inputs; weights that the
    rows' draws pass by the hundred and that they fall on again and again."""
    rng = np.random.default_rng(20)
    layer = p.FullyConnected("d", 0, 0, 1, **quantized(rng, int8(rng, (rows, size)), rows, size))
    layer.input_zero_point = 127
    shapes = (1, 1, size), (1, 1, rows)
    for limit_q8 in (256 * 4, 256 * 60, 256 * 9000):
        for share in (0.0, 0.9):
            x = np.where(rng.random(shapes[0]) < share, 127, -128).astype(np.int8)
            e = errors(rng, shapes[1], extreme=True)
            samples = [(e, 0, x), (errors(rng, shapes[1]), 1, int8(rng, shapes[0]))]
            check_updates(libraries(draw), draw, layer, shapes, samples, limit_q8, 0, True)


@pytest.mark.parametrize("draw", thinned(DRAWN, 2))
@pytest.mark.parametrize("kind", thinned(WEIGHTED, 3))
def test_updates_of_biases(libraries, kind, draw):
    """The gradient's last column is all that is drawn from; weights are not even given."""
    rng = np.random.default_rng(18)
    for limit_q8 in (0, 100, 256 * 20, 256 * 3000):
        for _ in range(3):
            layer, *shapes = random_layer(rng, kind)
            samples = random_samples(rng, *shapes, 12)
            drawn = check_updates(
                libraries(draw), draw, layer, shapes, samples, limit_q8, 20, biases=True
            )
            assert drawn or limit_q8 < 256


@pytest.mark.parametrize("draw", thinned(DRAWN, 2))
def test_more_than_64_masses_and_the_end_of_annealing(libraries, draw):
    rng = np.random.default_rng(14)
    layer, *shapes = random_layer(rng, p.FullyConnected)
    samples = random_samples(rng, *shapes, 120)
    check_updates(libraries(draw), draw, layer, shapes, samples, 256 * 40, 100)


@pytest.mark.parametrize("draw", thinned(DRAWN, 2))
def test_masses_beyond_32_bits(libraries, draw):
    """A pointwise layer on a large map: single gradients near 2**29, rows beyond 2**32."""
    rng = np.random.default_rng(15)
    in_shape, out_shape = (128, 128, 24), (128, 128, 5)
    layer, *_ = random_layer(rng, p.FullyConnected)
    weights = int8(rng, (5, 1, 1, 24))
    fields = {**vars(layer), "weights": weights, "bias": np.zeros(5, np.int32)}
    fields["input_zero_point"] = 127
    layer = p.Conv2D(**fields, window=Window((1, 1), (1, 1), (0, 0)))
    e, x = np.full(out_shape, 127, np.int8), np.full(in_shape, -128, np.int8)
    e[:, :, 2] = -127
    gradient = layer.gradient(e.astype(np.int64), x.astype(np.int64))
    assert np.abs(gradient).sum(axis=1).min() > 2**32
    check_updates(libraries(draw), draw, layer, (in_shape, out_shape), [(e, 3, x)] * 3, 99999, 0)


def test_weights_and_biases_stop_at_their_limits(library):
    rng = np.random.default_rng(16)
    layer, *shapes = random_layer(rng, p.FullyConnected, extreme=True)
    layer.bias[...] = rng.choice([2**30, -(2**30), 2**30 - 100], layer.rows)
    samples = random_samples(rng, *shapes, 20)
    check_updates(library, "systematic", layer, shapes, samples, 256 * 500, 0)


# -- memory ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_no_access_out_of_bounds():
    """All of the above once more under the address sanitizer."""
    if SANITIZE != "undefined":
        pytest.skip("this is the run under the address sanitizer")
    query = [COMPILER, "-print-file-name=libasan.so"]
    runtime = subprocess.run(query, capture_output=True, text=True).stdout.strip()
    if not Path(runtime).is_absolute():
        pytest.skip("the compiler has no address sanitizer runtime to load")
    environment = {
        **os.environ, "LD_PRELOAD": runtime, "ENGINE_SANITIZE": "address",
        "ASAN_OPTIONS": "detect_leaks=0",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
