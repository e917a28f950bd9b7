"""What lowering works out once for both engines, against values worked by hand.

Bit equality cannot see these: numpy and C take one and the same number.
"""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hand_graph import HandGraph

from edgetune.errors import UsageError
from edgetune.learn.fixedpoint import quantize_multiplier
from edgetune.learn.learner import Learner
from edgetune.learn.losses import LossChoice
from edgetune.learn.lower import lower
from edgetune.learn.operators import DepthwiseConv2D, DilatedConv2D, ResizeBilinear
from edgetune.learn.program import Window
from edgetune.learn.recipe import Recipe
from edgetune.model.interpolation import Interpolation

SAME, VALID = "SAME", "VALID"


def value(multiplier, shift) -> Fraction:
    return Fraction(int(multiplier)) * Fraction(2) ** (int(shift) - 31)


# -- multipliers -----------------------------------------------------------------------------


@pytest.mark.parametrize("real, multiplier, shift", [
    (0.5, 2**30, 0), (1.0, 2**30, 1), (0.75, 3 * 2**29, 0), (3.0, 3 * 2**29, 2),
    (2.0**-10, 2**30, -9), (1 - 2.0**-33, 2**30, 1), (1 - 2.0**-31, 2**31 - 1, 0),
    (0.0, 0, 0), (2.0**-32, 2**30, -31), (2.0**-33, 0, 0),
])
def test_a_multiplier_is_a_fraction_and_a_power_of_two(real, multiplier, shift):
    assert quantize_multiplier(real) == (multiplier, shift)


def test_multipliers_are_input_times_weight_over_output():
    """One a channel, along the axis of the output's channels."""
    g = HandGraph((1, 4, 4, 2), scale=0.5)
    y = g.conv(g.input, 3, (3, 3), scale=2.0, weight_scale=[0.25, 0.5, 1.5])
    y = g.depthwise(y, 2, (1, 1), scale=0.125, weight_scale=[1, 2, 4, 3, 0.5, 0.75])
    y = g.dense(y, 2, scale=4.0, weight_scale=[8, 6])
    conv, depthwise, dense = g.lower(y).layers
    expected = {
        "conv": (conv, [0.0625, 0.125, 0.375]),
        "depthwise": (depthwise, [16, 32, 64, 48, 8, 12]),
        "dense": (dense, [0.25, 0.1875]),
    }
    for name, (layer, reals) in expected.items():
        assert [value(*pair) for pair in zip(layer.multiplier, layer.shift)] == reals, name
        assert all(2**30 <= m < 2**31 for m in layer.multiplier)


def test_one_scale_serves_all_channels():
    g = HandGraph((1, 2, 2, 1), scale=0.5)
    layer = g.lower(g.conv(g.input, 3, (1, 1), scale=2.0, weight_scale=[0.25])).layers[0]
    assert list(layer.multiplier) == [2**30] * 3 and list(layer.shift) == [-3] * 3


def test_only_a_dense_layer_of_one_scale_multiplies_in_float32():
    """As the reference kernels do: 0.1 * 0.3 in float32 is another number than in double."""
    one, other = (Fraction(float(np.float32(f))) for f in (0.1, 0.3))
    single = Fraction(float(np.float32(0.1) * np.float32(0.3)))
    assert single != one * other
    for scales, product in (([0.3], single), ([0.3, 0.3], one * other)):
        g = HandGraph((1, 4), scale=0.1)
        layer = g.lower(g.dense(g.input, 2, scale=1.0, weight_scale=scales)).layers[0]
        assert abs(value(layer.multiplier[0], layer.shift[0]) / product - 1) <= Fraction(1, 2**31)
    g = HandGraph((1, 1, 1, 4), scale=0.1)
    layer = g.lower(g.conv(g.input, 2, (1, 1), scale=1.0, weight_scale=[0.3])).layers[0]
    exact = value(layer.multiplier[0], layer.shift[0]) / (one * other)
    assert abs(exact - 1) <= Fraction(1, 2**31) < abs(single / (one * other) - 1)


@pytest.mark.parametrize("scales, ratio", [
    ([0.5, 0.25, 0.125], [32768, 16384, 8192]), ([1, 3, 2], [10923, 32768, 21845]),
    ([0.25, 0.25, 0.25], None), ([0.25], None),
])
def test_a_ratio_is_a_channels_scale_over_the_largest(scales, ratio):
    g = HandGraph((1, 3, 3, 1))
    conv = g.lower(g.conv(g.input, 3, (1, 1), weight_scale=scales)).layers[0]
    g = HandGraph((1, 3, 3, 3))
    depthwise = g.lower(g.depthwise(g.input, 1, (1, 1), weight_scale=scales)).layers[0]
    for layer in (conv, depthwise):
        assert (layer.ratio if layer.ratio is None else list(layer.ratio)) == ratio


# scale of input and output, cells: the multiplier of the mean, its division rounded down.
@pytest.mark.parametrize("source, target, height, width, multiplier, shift", [
    (0.5, 0.5, 7, 7, 2**35 // 49, -4),  # 1 = 2^30 * 2^1 / 2^31, and 49 takes 5 bits
    (0.5, 0.5, 1, 1, 2**30, 1),
    (0.5, 0.5, 1, 3, 715_827_882, 0),  # 2^31 / 3 is 715,827,882.67
    (0.75, 1.0, 2, 3, 3 * 2**29 * 4 // 6, -2),
    (0.5, 0.25, 4, 4, 2**30, -2),  # 2 / 16 = 2^30 * 2^-2 / 2^31
])
def test_a_means_multiplier_divides_by_its_cells(source, target, height, width, multiplier, shift):
    g = HandGraph((1, height, width, 3), scale=source, zero_point=5)
    axes = g.constant(np.array([1, 2], np.int32))
    y = g.operator("MEAN", [g.input, axes], (1, 3), target, -7, keep_dims=False)
    layer = g.lower(y).layers[0]
    assert (layer.multiplier, layer.shift) == (multiplier, shift)
    assert (layer.input_zero_point, layer.output_zero_point) == (5, -7)
    exact = Fraction(source) / Fraction(target) / (height * width)
    assert exact - Fraction(1, 2**24) < value(multiplier, shift) <= exact


def joined(kind, shapes, scales, out_scale, swap=False):
    """The layer of two activations: the input, and a dense layer's output as a constant."""
    g = HandGraph(shapes[0], scale=scales[0], zero_point=3)
    other = g.constant(np.zeros(shapes[1], np.int8), [scales[1]])
    inputs = [other, g.input] if swap else [g.input, other]
    return g.lower(g.operator(kind, inputs, shapes[0], out_scale, 9)).layers[0]


def test_a_sums_terms_meet_on_twice_the_larger_scale():
    """0.5 and 0.25 on a scale of 1; back from there, 20 bits up, to one of 2."""
    layer = joined("ADD", [(1, 4), (4,)], (0.5, 0.25), 2.0)
    first, second = layer.terms
    assert (value(first.multiplier, first.shift), first.zero_point) == (0.5, 3)
    assert (value(second.multiplier, second.shift), second.zero_point) == (0.25, 0)
    assert value(layer.multiplier, layer.shift) == Fraction(1, 2**21)
    assert (first.sign, second.sign, layer.output_zero_point) == (1, 1, 9)


@pytest.mark.parametrize("swap, signs", [(False, (1, -1)), (True, (-1, 1))])
def test_the_second_operand_is_subtracted_whichever_repeats(swap, signs):
    layer = joined("SUB", [(1, 4), (1,)], (0.5, 0.25), 2.0, swap)
    assert tuple(term.sign for term in layer.terms) == signs
    assert [value(t.multiplier, t.shift) for t in layer.terms] == [0.5, 0.25]


def test_a_products_multiplier_is_float32_after_each_operation():
    layer = joined("MUL", [(1, 4), (4,)], (0.5, 0.25), 2.0)
    assert value(layer.multiplier, layer.shift) == Fraction(1, 16)
    assert layer.zero_points == (3, 0) and layer.output_zero_point == 9
    one, other, out = np.float32([0.1, 0.3, 0.7])
    layer = joined("MUL", [(1, 4), (4,)], (0.1, 0.3), 0.7)
    rounded = np.float32(np.float32(one * other) / out)
    assert value(layer.multiplier, layer.shift) == Fraction(float(rounded))


def test_zero_points_are_those_of_input_and_output():
    g = HandGraph((1, 4, 4, 2), zero_point=-3)
    y = g.conv(g.input, 2, (1, 1), zero_point=11)
    y = g.depthwise(y, 1, (1, 1), zero_point=-20)
    y = g.dense(y, 2, zero_point=100)
    found = [(q.input_zero_point, q.output_zero_point) for q in g.lower(y).layers]
    assert found == [(-3, 11), (11, -20), (-20, 100)]


# -- where the gradient ends -----------------------------------------------------------------

FUSED = {
    "CONV_2D": lambda g, **o: g.conv(g.input, 2, (1, 1), **o),
    "DEPTHWISE_CONV_2D": lambda g, **o: g.depthwise(g.input, 1, (1, 1), **o),
    "FULLY_CONNECTED": lambda g, **o: g.dense(g.input, 2, **o),
    "MAX_POOL_2D": lambda g, **o: g.pool("MAX_POOL_2D", g.input, (2, 2), **o),
    "AVERAGE_POOL_2D": lambda g, **o: g.pool("AVERAGE_POOL_2D", g.input, (2, 2), **o),
} | {
    kind: lambda g, kind=kind, **o: g.operator(
        kind, [g.input, g.constant(np.zeros(2, np.int8), [0.5])], (1, 2, 2, 2), **o
    )
    for kind in ("ADD", "SUB", "MUL")
}
# Activation, scale and zero point of the output: the range, and the bounds that mask errors.
RANGES = [
    ("NONE", 0.05, -10, (-128, 127), (-129, 128)),
    ("RELU", 0.05, -10, (-10, 127), (-10, 128)),
    ("RELU", 0.05, -128, (-128, 127), (-128, 128)),
    ("RELU6", 0.05, -10, (-10, 110), (-10, 110)),  # 6 / 0.05 = 120
    ("RELU6", 0.02, -128, (-128, 127), (-128, 127)),  # 300: beyond int8
    ("RELU6", 0.096, 0, (0, 63), (0, 63)),  # 62.5 in float32, less in double
    ("RELU6", 6 / 255, -128, (-128, 127), (-128, 127)),
]


@pytest.mark.parametrize("activation, scale, zero_point, limits, clip", RANGES)
@pytest.mark.parametrize("kind", FUSED)
def test_ranges_and_masks(kind, activation, scale, zero_point, limits, clip):
    g = HandGraph((1, 2, 2, 2))
    y = FUSED[kind](g, scale=scale, zero_point=zero_point, fused_activation_function=activation)
    program = g.lower(y)
    layer, output = program.layers[0], program.activations[program.output]
    assert (layer.activation_min, layer.activation_max) == limits
    assert (output.clip_low, output.clip_high) == clip


def test_what_only_moves_values_keeps_the_mask():
    g = HandGraph((1, 4, 4, 2))
    y = g.conv(g.input, 2, (1, 1), 0.05, -10, fused_activation_function="RELU6")
    y = g.operator("RESHAPE", [y], (1, 2, 8, 2), 0.05, -10)
    y = g.pad(y, (1, 0), (0, 1))
    program = g.lower(g.dense(y, 2))
    bounds = [(a.clip_low, a.clip_high) for a in program.activations]
    assert bounds == [(-129, 128), (-10, 110), (-10, 110), (-10, 110), (-129, 128)]


def test_a_unit_that_is_clipped_at_either_end_does_not_learn():
    """Three units of a RELU6: at 6, between, at 0.  Only the one between has a slope."""
    g = HandGraph((1, 4), scale=1.0)
    hidden = g.dense(g.input, 3, 0.05, -120, (1.0,), fused_activation_function="RELU6")
    program = g.lower(g.dense(hidden, 2, scale=1.0, weight_scale=(0.5,)))
    first, last = program.layers
    first.bias[...] = (100, 3, -100)
    last.weights[...] = ((3, 3, 3), (-3, -3, -3))
    learner = Learner(program, Recipe(layers=(first.name,), rule="fixed"))
    for _ in range(20):
        learner.train(np.array([1, -1, 1, -1], np.int8), 1)
    moved = learner.trained[0].weights.any(axis=1) | (learner.trained[0].bias != first.bias)
    assert list(moved) == [False, True, False]


# -- windows ---------------------------------------------------------------------------------


# Size, kernel, stride, distance of taps; cells before the first one.
@pytest.mark.parametrize("size, kernel, stride, apart, before", [
    (5, 3, 1, 1, 1), (6, 3, 2, 1, 0), (7, 3, 2, 1, 1), (8, 4, 1, 1, 1), (5, 3, 1, 2, 2),
    (4, 1, 2, 1, 0), (3, 5, 2, 1, 2), (9, 2, 2, 1, 0), (10, 5, 3, 1, 2), (6, 2, 1, 3, 1),
])
@pytest.mark.parametrize("axis", [0, 1])
def test_same_padding_is_halved_and_the_odd_cell_lies_behind(size, kernel, stride, apart, before,
                                                             axis):
    def along(number, other=1):
        return (number, other) if axis == 0 else (other, number)

    options = dict(stride=along(stride), padding=SAME)
    g = HandGraph((1, *along(size, 2), 1))
    y = g.conv(g.input, 1, along(kernel), dilation=along(apart), **options)
    layers = g.lower(y).layers
    g = HandGraph((1, *along(size, 2), 1))
    y = g.depthwise(g.input, 1, along(kernel), dilation=along(apart), **options)
    layers += g.lower(y).layers
    if apart == 1:
        for kind in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
            g = HandGraph((1, *along(size, 2), 1))
            layers += g.lower(g.pool(kind, g.input, along(kernel), **options)).layers
    for layer in layers:
        window = Window(along(kernel), along(stride), along(before, 0), along(apart))
        assert layer.window == window


def test_valid_windows_have_no_padding_and_one_tap_no_distance():
    g = HandGraph((1, 7, 7, 2))
    y = g.conv(g.input, 2, (3, 1), dilation=(2, 2))
    y = g.depthwise(y, 1, (1, 1), dilation=(3, 3), stride=(2, 1))
    first, second = g.lower(y).layers
    assert first.window == Window((3, 1), (1, 1), (0, 0), (2, 1))
    assert second.window == Window((1, 1), (2, 1), (0, 0), (1, 1))
    assert (type(first), type(second)) == (DilatedConv2D, DepthwiseConv2D)


def padded(then):
    g = HandGraph((1, 5, 5, 2))
    y = then(g, g.pad(g.input, (1, 2), (3, 0)))
    return g.lower(y)


@pytest.mark.parametrize("then", [
    lambda g, x: g.conv(x, 2, (3, 3), stride=(2, 2)), lambda g, x: g.depthwise(x, 2, (2, 2)),
])
def test_a_pad_becomes_the_padding_of_the_only_convolution_that_reads_it(then):
    program = padded(then)
    (layer,) = program.layers
    assert layer.window.pad == (1, 2) and layer.input == program.input
    assert len(program.activations) == 2


@pytest.mark.parametrize("then", [
    lambda g, x: g.conv(x, 2, (3, 3), padding=SAME),
    lambda g, x: g.pool("MAX_POOL_2D", x, (2, 2)),
    lambda g, x: x,  # the output itself
    lambda g, x: g.operator("CONCATENATION", [g.conv(x, 2, (1, 1)), x], (1, 9, 7, 4), axis=3),
])
def test_a_pad_that_others_need_stays(then):
    layers = padded(then).layers
    assert layers[0].before == (1, 2, 0) and layers[0].after == (3, 0, 0)
    windows = [layer.window.pad for layer in layers if hasattr(layer, "window")]
    assert (1, 2) not in windows


def test_of_two_pads_only_the_nearer_folds():
    pad, conv = padded(lambda g, x: g.conv(g.pad(x, (4, 5), (0, 0)), 1, (1, 1))).layers
    assert (pad.before, conv.window.pad) == ((1, 2, 0), (4, 5))


def test_a_pads_value_is_the_zero_point():
    g = HandGraph((1, 2, 2, 1), zero_point=-17)
    assert g.lower(g.pad(g.input, (1, 1), (1, 1))).layers[0].value == -17


def test_multiplicity_is_outputs_over_inputs():
    g = HandGraph((1, 4, 4, 3))
    assert g.lower(g.depthwise(g.input, 4, (2, 2))).layers[0].multiplicity == 4


@pytest.mark.parametrize("axis, outer, chunks", [
    (3, 6, (4, 4)), (-1, 6, (4, 4)), (2, 2, (12, 12)), (1, 1, (24, 24)),
])
def test_a_concatenation_takes_chunks_in_turn(axis, outer, chunks):
    g = HandGraph((1, 2, 3, 4))
    shape = [1, 2, 3, 4]
    shape[axis] *= 2
    y = g.operator("CONCATENATION", [g.input, g.input], shape, axis=axis)
    layer = g.lower(y).layers[0]
    assert (layer.outer, layer.chunks) == (outer, chunks)


def resized(size, out, **options) -> ResizeBilinear:
    g = HandGraph((1, size, size, 1))
    options = dict(align_corners=False, half_pixel_centers=False) | options
    size = g.constant(np.array([out, out], np.int32))
    y = g.operator("RESIZE_BILINEAR", [g.input, size], (1, out, out, 1), **options)
    return g.lower(y).layers[0]


@pytest.mark.parametrize("options, step, first", [
    ({}, 683, 0),  # 2048 / 3 = 682.67
    (dict(align_corners=True), 512, 0),  # 1024 / 2
    (dict(half_pixel_centers=True), 683, -171),  # 683 / 2 - 512
])
def test_places_of_a_resized_image(options, step, first):
    layer = resized(2, 3, **options)
    assert layer.rows == layer.columns == Interpolation(2, 3, step, first)


@pytest.mark.parametrize("factor, shift", [(2, 0), (4, 0), (8, 1), (16, 2)])
def test_errors_lose_bits_of_their_weights_where_sums_would_leave_32(factor, shift):
    """4 x 4 cells read one cell in all: 127 * (4 * 2^10)^2 < 2^31."""
    layer = resized(3, 3 * factor, half_pixel_centers=True)
    e, x = np.full((3 * factor, 3 * factor, 1), 127), np.zeros((3, 3, 1), np.int64)
    v = layer.input_error(0, e, [x])
    assert layer.error_shift == shift and layer.input_unit(0, None, None) == 2.0**(2 * shift - 20)
    assert v[1, 1, 0] == 127 * (factor * 2 ** (10 - shift)) ** 2 and v.max() < 2**31


# -- the loss --------------------------------------------------------------------------------


def exponentials(scale: Decimal) -> list[int]:
    """round(2^30 * exp(-k * scale)), by decimal arithmetic."""
    table = [(Decimal(2**30) * (-scale * k).exp()).to_integral_value() for k in range(256)]
    return [int(term) for term in table if term]


@pytest.mark.parametrize("scale", [0.5, 0.0078125, 3.0])
@pytest.mark.parametrize("beta", [None, 1.0, 2.0])
def test_the_losss_table_is_of_the_logits_own_scale(scale, beta):
    g = HandGraph((1, 4))
    logits = g.dense(g.input, 3, scale=scale)
    program = g.lower(logits if beta is None else g.softmax(logits, beta))
    assert list(program.loss.table) == exponentials(Decimal(scale))
    assert program.logits == 1 and program.classes == 3
    if beta is not None:
        assert program.output == 2
        assert list(program.layers[1].table) == exponentials(Decimal(beta) * Decimal(scale))


def test_a_softmax_over_a_map_learns_probabilities_of_each_cell():
    g = HandGraph((1, 2, 3, 4))
    program = g.lower(g.softmax(g.input))
    assert (program.loss.kind, program.logits, program.layers[0].rows) == ("squared_error", 1, 6)
    with pytest.raises(UsageError) as caught:
        lower(program.graph, LossChoice("softmax"))
    assert caught.value.cause == "the model ends with a SOFTMAX over 6 vectors"
    assert caught.value.next_step.startswith("choose mse")


def test_a_table_ends_where_its_terms_round_to_nothing():
    """2^30 * exp(-21) is 0.8, 2^30 * exp(-21.5) is 0.49."""
    g = HandGraph((1, 4))
    table = g.lower(g.dense(g.input, 3, scale=0.5)).loss.table
    assert (len(table), table[0], table[-1]) == (43, 2**30, 1)
