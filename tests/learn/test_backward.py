"""The backward pass as it is lowered: which steps, in which order, in which units.

Both engines take the steps from one list, so their equality says nothing about it.  Scales here
are powers of two, set by hand, and what is expected of them is worked by hand.
"""

import math
import warnings

import numpy as np
import pytest
from branching import NETWORKS
from thinned import thinned
from tiny_operators import FUNCTIONS
from tiny_tflite import ModelBuilder

from edgetune.learn.lower import lower
from edgetune.learn.lower.backward import InputError, Scale, join_of, lower_backward
from edgetune.learn.lower.functions import FUNCTIONS as TABLES
from edgetune.learn.operators import Lookup
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite

Q15 = 2.0**-15  # of a channel's ratio, and of the softmax's error


def lowered(builder, *layers):
    program = lower(read_tflite(builder.build()))
    return program, lower_backward(program, Recipe(layers or ("all",)).trained(program))


def steps_of(builder, *layers) -> list[str]:
    """The steps in words; an activation is named by the layer that makes it."""
    program, backward = lowered(builder, *layers)
    makers = {layer.output: layer.name for layer in program.layers}
    return [_in_words(step, makers) for step in backward.steps]


def _in_words(step, makers) -> str:
    name = step.layer.name
    if isinstance(step, InputError):
        verb = "adds to" if step.join else "writes"
        assert makers[step.source] == name
        return f"{name}[{step.operand}] {verb} {makers[step.target]}"
    assert makers[step.error] == name
    return f"scale {name}" if isinstance(step, Scale) else f"update {name}"


# -- steps -------------------------------------------------------------------------------------


def residual() -> ModelBuilder:
    """conv_2d_0, on to conv_2d_1 and around it, add_2, mean_3, a view, fully_connected_5."""
    b = ModelBuilder((1, 6, 6, 3), seed=1).conv(4, 3, activation="RELU")
    start = b.save()
    return b.conv(4, 3).join("ADD", start).mean(keep_dims=True).reshape((1, 4)).dense(3).softmax()


DENSE = ["fully_connected_5[0] writes mean_3", "update fully_connected_5"]
SECOND = ["mean_3[0] writes add_2", "add_2[0] writes conv_2d_1"]


def test_all_layers_of_a_residual_network():
    assert steps_of(residual()) == [
        *DENSE, *SECOND, "add_2[1] writes conv_2d_0", "scale conv_2d_1",
        "conv_2d_1[0] adds to conv_2d_0", "update conv_2d_1", "scale conv_2d_0",
        "update conv_2d_0",
    ]


def test_the_last_layer_alone():
    assert steps_of(residual(), "last") == DENSE[1:]


def test_the_last_two_layers_need_no_sum():
    assert steps_of(residual(), "last:2") == [
        *DENSE, *SECOND, "scale conv_2d_1", "update conv_2d_1",
    ]


def test_the_first_layer_alone_needs_the_errors_of_all():
    steps = steps_of(residual(), "conv_2d_0")
    assert steps == [
        DENSE[0], *SECOND, "add_2[1] writes conv_2d_0", "scale conv_2d_1",
        "conv_2d_1[0] adds to conv_2d_0", "scale conv_2d_0", "update conv_2d_0",
    ]


def test_nothing_is_trained():
    program, backward = lowered(residual(), "none")
    assert backward.steps == () and backward.gradient_units == ()
    assert list(backward.units) == [program.storage(program.logits)]


def gated() -> ModelBuilder:
    """Maps conv_2d_0, and their gate: mean_1, conv_2d_2, logistic_3; mul_4, conv_2d_5."""
    b = ModelBuilder((1, 6, 6, 3), seed=2).conv(4, 3)
    maps = b.save()
    gate = b.mean(keep_dims=True).conv(4, 1, per_channel=False)
    gate = gate.unary("LOGISTIC", scale=1 / 256).save()
    return b.back_to(maps).join("MUL", gate).conv(5, 6, padding="VALID", per_channel=False)


def test_a_gate_and_its_maps():
    """Of one scale for all channels there is no ratio to scale by."""
    assert steps_of(gated()) == [
        "conv_2d_5[0] writes mul_4", "update conv_2d_5",
        "mul_4[0] writes conv_2d_0", "mul_4[1] writes logistic_3",
        "logistic_3[0] writes conv_2d_2", "conv_2d_2[0] writes mean_1", "update conv_2d_2",
        "mean_1[0] adds to conv_2d_0", "scale conv_2d_0", "update conv_2d_0",
    ]


def test_a_branch_without_a_trained_layer_is_left_alone():
    steps = steps_of(gated(), "conv_2d_2", "conv_2d_5")
    assert steps == [
        "conv_2d_5[0] writes mul_4", "update conv_2d_5", "mul_4[1] writes logistic_3",
        "logistic_3[0] writes conv_2d_2", "update conv_2d_2",
    ]


def test_the_input_and_constants_take_no_error():
    b = ModelBuilder((1, 6, 6, 3), seed=3)
    start = b.save()
    b.conv(3, 3).join("MUL", b.constant([1, 2, 3])).join("SUB", start).dense(2)
    assert steps_of(b) == [
        "fully_connected_3[0] writes sub_2", "update fully_connected_3",
        "sub_2[0] writes mul_1", "mul_1[0] writes conv_2d_0", "scale conv_2d_0",
        "update conv_2d_0",
    ]


def test_an_activation_that_is_read_twice_by_one_operator():
    b = ModelBuilder((1, 6, 6, 3), seed=4).conv(3, 3)
    b.join("MUL", b.save()).concatenate(b.save()).dense(2)
    assert steps_of(b)[2:6] == [
        "concatenation_2[0] writes mul_1", "concatenation_2[1] adds to mul_1",
        "mul_1[0] writes conv_2d_0", "mul_1[1] adds to conv_2d_0",
    ]


@pytest.mark.parametrize("network", thinned(NETWORKS, 4))
def test_every_error_is_whole_before_it_is_read(network):
    """One step writes an error, the others add to it, and only then is it passed on."""
    program, backward = lowered(NETWORKS[network]())
    written, read = {program.storage(program.logits)}, set()
    for step in backward.steps:
        source = step.source if isinstance(step, InputError) else step.error
        assert source in written
        read.add(source)
        if isinstance(step, InputError):
            assert step.target not in read
            assert (step.join is None) == (step.target not in written)
            written.add(step.target)
    assert written == set(backward.units)


# -- units -------------------------------------------------------------------------------------


class Scaled(ModelBuilder):
    """Its activations take the scales that `at` gives, a power of two each."""

    def at(self, exponent: int):
        self.tensors[self.current].scale[0] = 2.0**exponent
        return self


def start(shape=(1, 4, 6, 3)) -> Scaled:
    """A trained layer whose output has the scale 2**-3."""
    return Scaled(shape, 2.0**-6, 0, seed=5).conv(4, 3, per_channel=False).at(-3)


def with_constant(b: Scaled, kind, swap=False):
    index, values = b.constant([1, 2, 3, 4])
    b.tensors[index].scale[0] = 2.0**-5
    return b.join(kind, (index, values), swap=swap).at(-1)


# The operator behind `start`, and the unit below it over the unit above.
UNITS = {
    "add": (lambda b: with_constant(b, "ADD"), 2.0**-3 / 2.0**-1),
    "sub": (lambda b: with_constant(b, "SUB", swap=True), 2.0**-3 / 2.0**-1),
    "mul": (lambda b: with_constant(b, "MUL"), 2.0**-3 * 2.0**-5 / 2.0**-1),
    "mean": (lambda b: b.mean().at(-4), 2.0**-3 / 2.0**-4 / (4 * 6)),
    "average pool": (lambda b: b.average_pool(2), 1 / 4),
    # Of windows of 4, 6 and 9 cells the smallest count, whose factor is 2**15.
    "average pool, unequal": (lambda b: b.average_pool(3, 1, "SAME"), 1 / (4 * 2**15)),
    "max pool": (lambda b: b.max_pool(2), 1),
    "pad": (lambda b: b.pad(1, 1, 0, 2).max_pool(2), 1),
    "crop": (lambda b: b.crop((0, 1, 1, 0), (1, 3, 3, 2)), 1),
    "concatenation": (lambda b: (lambda at: b.max_pool(2, 1, "SAME").concatenate(at))(b.save()), 1),
    "leaky relu": (lambda b: b.unary("LEAKY_RELU", 0.25).at(-2), 2.0**-3 / 2.0**-2 / 2**14),
    "quantize": (lambda b: b.unary("QUANTIZE").at(-4), 2.0**-3 / 2.0**-4 / 2**14),
    # The steepest slope of LOGISTIC is 1/4, of TANH 1; 0 is a value of the input.
    "logistic": (lambda b: b.unary("LOGISTIC", scale=2**-8), 2.0**-3 * 2**8 / 4 / 2**14),
    "tanh": (lambda b: b.unary("TANH", scale=2**-7, zero_point=0), 2.0**-3 * 2**7 / 2**14),
}


@pytest.mark.parametrize("name", thinned(UNITS, 5))
def test_units_of_operators(name):
    make, expected = UNITS[name]
    b = make(start())
    program, backward = lowered(b.dense(3))
    above = next(layer for layer in program.layers if layer.kind == "fully_connected").input
    below = program.layers[0].output
    ratio = backward.units[below] / backward.units[program.storage(above)]
    assert ratio == pytest.approx(expected, rel=1e-12)


def largest_scale(program, layer) -> float:
    graph = program.graph
    weights = graph.tensors[graph.operators[layer.operator].inputs[1]]
    return float(weights.quantization.scale.max())


@pytest.mark.parametrize("kind", ["conv", "depthwise", "dense"])
@pytest.mark.parametrize("per_channel", [False, True])
def test_units_of_weighted_layers(kind, per_channel):
    """The loss's own unit is logit scale * 2**-15; ratios of channels are 2**-15 each."""
    make = {
        "conv": lambda b: b.conv(5, (4, 6), padding="VALID", per_channel=per_channel),
        "depthwise": lambda b: b.depthwise((4, 6), padding="VALID", per_channel=per_channel),
        "dense": lambda b: b.dense(5, per_channel=per_channel),
    }[kind]
    program, backward = lowered(make(start()).at(-2))
    first, last = program.layers
    ratio = Q15 if per_channel else 1
    assert backward.units[last.output] == 2.0**-2 * Q15
    m = 2.0**-3 * largest_scale(program, last) / 2.0**-2
    below = 2.0**-2 * Q15 * ratio * m
    assert backward.units[first.output] == pytest.approx(below, rel=1e-12)
    m_first = 2.0**-6 * largest_scale(program, first) / 2.0**-3
    assert backward.gradient_units == pytest.approx((below * m_first, below), rel=1e-12)


@pytest.mark.parametrize("kind, operand_scales", [("ADD", (-3, -4)), ("MUL", (-7, -7))])
def test_a_join_makes_up_for_two_units(kind, operand_scales):
    """start -> depthwise -> (+, *) start: what comes through the short cut is written first."""
    b = start()
    short_cut = b.save()
    b.depthwise(1, per_channel=False).at(-4).join(kind, short_cut).at(-1).dense(3)
    program, backward = lowered(b)
    first, middle, joined, _ = program.layers
    direct = 2.0**-3 / 2.0**-1 if kind == "ADD" else 2.0**-3 * 2.0**-4 / 2.0**-1
    through = 2.0**-4 / 2.0**-1 if kind == "ADD" else 2.0**-3 * 2.0**-4 / 2.0**-1
    through *= 2.0**-3 * largest_scale(program, middle) / 2.0**-4
    (join,) = [step.join for step in backward.steps if isinstance(step, InputError) and step.join]
    assert join.multiplier / 2**15 * 2.0**join.shift == pytest.approx(through / direct, rel=2**-15)
    above = backward.units[joined.output]
    assert backward.units[first.output] == pytest.approx(above * direct, rel=1e-12)


# -- joins -------------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio, multiplier, shift", [
    (1, 2**14, 1), (0.5, 2**14, 0), (0.75, 3 * 2**13, 0), (3, 3 * 2**13, 2),
    (2.0**-40, 2**14, -39), (1 - 2.0**-20, 2**15, 0), (2.0**33 - 1, 2**15, 33),
    (2 / 3, 21845, 0),
])
def test_join_of(ratio, multiplier, shift):
    join = join_of(ratio)
    assert (join.multiplier, join.shift) == (multiplier, shift)


def test_joins_are_near_and_fit_their_types():
    for ratio in 10 ** np.random.default_rng(6).uniform(-30, 30, 500):
        join = join_of(float(ratio))
        assert 2**14 <= join.multiplier <= 2**15 and abs(join.shift) < 2**15
        assert math.ldexp(join.multiplier, join.shift - 15) == pytest.approx(ratio, rel=2.0**-15)


@pytest.mark.thorough
def test_joins_far_below_the_least_float():
    """Two hundred times x * p + q: the units of x's errors are products of as many scales."""
    b = ModelBuilder((1, 4), seed=1)
    start = b.save()
    p = b.dense(4).unary("TANH", scale=1 / 128, zero_point=0).save()
    q = b.back_to(start).dense(4).save()
    for _ in range(200):
        b.join("MUL", p).join("ADD", q)
    program, backward = lowered(b.dense(3))
    of_x, below, first, ratios = 0.0, 0.0, {}, []  # in powers of two, from the last layer's input
    for step in backward.steps:
        if not isinstance(step, InputError) or step.layer.kind not in ("mul", "add"):
            continue
        xs = [program.activations[i] for i in step.layer.inputs]
        y = program.activations[step.layer.output]
        unit = of_x + math.log2(step.layer.input_unit(step.operand, xs, y))
        if step.join:
            ratios.append(math.log2(step.join.multiplier / 2**15) + step.join.shift)
            assert ratios[-1] == pytest.approx(unit - first[step.target], abs=0.01)
        first.setdefault(step.target, unit)
        if step.operand == 0:
            below = unit
        else:
            of_x = below
    assert len(ratios) > 390 and min(ratios) < -1074 and 0 in backward.units.values()


# -- slopes ------------------------------------------------------------------------------------

KINKS = {
    "RELU": (0,), "RELU6": (0, 6), "LEAKY_RELU": (0,), "HARD_SWISH": (-3, 3),
    "RELU_N1_TO_1": (-1, 1), "RELU_0_TO_1": (0, 1), "ABS": (0,), "RSQRT": (0,),
    "SQRT": (0,),
}


def lookup_of(kind, source=(2.0**-4, 0), target=2.0**-4, alpha=None) -> Lookup:
    """The layer of a function with zero points of zero (LOGISTIC's output has its own)."""
    fixed = {"LOGISTIC": (2**-8, -128), "TANH": (2**-7, 0)}.get(kind, (target, 0))
    b = ModelBuilder((1, 8), *source)
    b.unary(kind, alpha, scale=fixed[0], zero_point=fixed[1])
    return lower(read_tflite(b.build())).layers[0]


@pytest.mark.parametrize("zero_point", thinned([0, -100, 77], 3))
@pytest.mark.parametrize("kind", TABLES)
def test_slopes_are_those_of_the_function(kind, zero_point):
    """Differences of the real function, over the scales of output and input."""
    alpha, scale, step = (0.3 if kind == "LEAKY_RELU" else None), 2.0**-4, 1e-6
    layer = lookup_of(kind, (scale, zero_point), alpha=alpha)
    function = FUNCTIONS.get(kind, lambda x, alpha: x)
    x = scale * (np.arange(-128, 128) - zero_point)
    real = (function(x + step, alpha) - function(x - step, alpha)) / (2 * step)
    output = {"LOGISTIC": 2**-8, "TANH": 2**-7}.get(kind, 2.0**-4)
    expected, smooth = real * scale / output, ~np.isin(x, KINKS.get(kind, ()))
    ours = layer.slopes * layer.slope_unit
    np.testing.assert_allclose(ours[smooth], expected[smooth], atol=layer.slope_unit * 0.51 + 1e-8)
    assert np.abs(layer.slopes.astype(int)).max() == 2**14


def test_slopes_at_the_kinks():
    """A RELU that gives zero passes nothing on, as one that is fused; RELU6 likewise at six."""
    def slope(layer, x):
        return layer.slopes[int(x * 2**4) + 128] * layer.slope_unit

    assert slope(lookup_of("RELU"), 0) == 0 and slope(lookup_of("RELU"), 2**-4) == 1
    assert slope(lookup_of("RELU6"), 0) == slope(lookup_of("RELU6"), 6) == 0
    assert slope(lookup_of("RELU6"), 6 - 2**-4) == 1
    assert slope(lookup_of("LEAKY_RELU", alpha=0.5), 0) == 1
    assert slope(lookup_of("HARD_SWISH"), -3) == 0


def test_a_function_without_any_slope():
    """A RELU whose input is never above zero: no error, and a unit that divides nothing."""
    layer = lookup_of("RELU", (2.0**-4, 127))
    assert not layer.slopes.any() and layer.slope_unit == 1


def test_slopes_of_a_coarse_scale():
    """Inputs of thousands, whose exponential leaves double precision, are no reason to warn."""
    graph = read_tflite(ModelBuilder((1, 8)).unary("LOGISTIC", scale=1 / 256).build())
    graph.tensors[graph.inputs[0]].quantization.scale[0] = 1e3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        slopes = lower(graph).layers[0].slopes
    assert np.flatnonzero(slopes).tolist() == [128] and slopes[128] == 2**14
