"""The fixed rule's rate, limits and digest, and the widths that bound them, from the page."""

import struct
from itertools import product

import numpy as np
import pytest
from hand_graph import HandGraph

from edgetune.errors import ModelError, UsageError
from edgetune.learn import operators as p
from edgetune.learn.digest import digest_base, digest_factors, parameter_digest
from edgetune.learn.learner import Learner
from edgetune.learn.program import Activation, Program, Window
from edgetune.learn.recipe import Recipe
from edgetune.learn.rules.fixed import depth_scaled, trials_q8
from edgetune.learn.widths import check_widths

MASK = 2**32 - 1
POWER_OF_31, POWER_OF_32 = 2**31, 2**32


def dense_chain(*sizes):
    """A program of dense layers; ``sizes`` of the input and of each layer's output."""
    g = HandGraph((1, sizes[0]))
    y = g.input
    for size in sizes[1:]:
        y = g.dense(y, size)
    return g.lower(y)


def fixed(**recipe) -> Recipe:
    return Recipe(rule="fixed", **recipe)


# -- rate and limits -------------------------------------------------------------------------


@pytest.mark.parametrize("layers, rate", [
    (1, 48), (2, 48), (4, 48), (5, 30.72), (6, 64 / 3), (8, 12), (16, 3), (48, 1 / 3),
])
def test_the_default_rate_falls_with_the_square_of_the_depth(layers, rate):
    """48 * min(1, (4 / L)^2)."""
    assert depth_scaled(layers) == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize("a, weights, limit", [
    (48, 100, 122_880), (0.01, 1, 3), (0.01, 4, 5), (1, 2, 362), (3, 10_000, 76_800),
])
def test_a_limit_is_rate_times_the_root_of_the_weights(a, weights, limit):
    """256 * a * sqrt(weights), to the nearest: 2.56 to 3, 5.12 to 5, 362.04 to 362."""
    assert trials_q8(a, weights) == limit


@pytest.mark.parametrize("recipe, limits", [
    ({}, [12 * 256 * 4] * 8),  # 8 layers of 16 weights: a = 12
    ({"layers": ("last",)}, [48 * 256 * 4]),
    ({"rate": 2.5}, [2560] * 8),
    ({"layers": ("none",)}, []),
])
def test_limits_count_weights_and_trained_layers(recipe, limits):
    """Weights, without biases; trained layers, not all of them."""
    assert fixed(**recipe).rule_for(dense_chain(*[4] * 9)).limits_q8 == limits


def test_limits_of_layers_of_all_kinds():
    g = HandGraph((1, 6, 6, 3))
    y = g.conv(g.input, 4, (3, 3))  # 108 weights
    y = g.depthwise(y, 2, (3, 3))  # 72
    program = g.lower(g.dense(y, 2))  # 2 * 2 * 2 * 8 = 64
    roots = [10.392304845413264, 8.48528137423857, 8]
    assert fixed().rule_for(program).limits_q8 == [round(256 * 48 * root) for root in roots]


def test_a_limit_beyond_16_bits_is_refused():
    """sqrt(16) * 4096 = 16384 trials; sqrt(289) * 4096 = 69632."""
    assert fixed(rate=4096).rule_for(dense_chain(4, 4)).limits_q8 == [16384 << 8]
    with pytest.raises(UsageError, match="69632 trials"):
        fixed(rate=4096).rule_for(dense_chain(17, 17))


# -- digest and state ------------------------------------------------------------------------


def murmur(x: int) -> int:
    x ^= x >> 16
    x = x * 0x85EBCA6B & MASK
    x ^= x >> 13
    x = x * 0xC2B2AE35 & MASK
    return x ^ x >> 16


def test_the_digest_numbers_each_layers_weights_and_then_its_biases():
    program = dense_chain(3, 5, 2, 4)
    assert digest_base(program.layers) == [0, 15 + 5, 20 + 10 + 2]
    values = [-128, 127, 0, -1, 2**30, -(2**30), 5]
    arrays = [np.array(values[:4], np.int8), np.array(values[4:], np.int32)]
    places = [i * 0x9E3779B1 & MASK for i in range(len(values))]
    terms = [v * (k * (k ^ k >> 16) | 1) for v, k in zip(values, places)]
    assert parameter_digest(arrays) == sum(terms) & MASK


def test_no_single_change_is_lost_in_the_digest_and_neighbours_cancel_nowhere():
    """Of moves (+1, -1), of (+1, -1, -1, +1) at any two places, and likewise of higher orders."""
    factors = digest_factors(100_000)
    assert (factors & 1).all()
    for apart, order in product((1, 8, 128, 1024), (1, 2, 3)):
        differences = factors
        for _ in range(order):
            differences = differences[apart:] - differences[:-apart]
        assert differences.all(), (apart, order)
        assert np.unique(differences, return_counts=True)[1].max() <= 8, (apart, order)


def test_the_digest_of_a_learner_covers_counters_and_rule():
    """D = mix32(D + word + 0x9E3779B9) over P, t, s0, s1 and each layer's T, z, k."""
    learner = Learner(dense_chain(3, 5, 2), fixed(), seed=3)
    for mass, facts in zip(learner.rule.layers, ((7, -2, 1), (9, 4, 2))):
        mass.total, mass.exponent, mass.count = facts
    learner.step = 12
    words = [parameter_digest(learner.parameters()), 12, *learner.generator.state,
             7, -2, 1, 9, 4, 2]
    digest = 0
    for word in words:
        digest = murmur((digest + word + 0x9E3779B9) & MASK)
    assert learner.digest() == digest


def test_the_state_is_laid_out_as_the_page_says():
    learner = Learner(dense_chain(3, 5, 2), fixed(), seed=3, total_steps=50)
    first, last = learner.trained
    first.weights[...] = np.arange(15).reshape(5, 3) - 7
    last.bias[...] = (1000, -1000)
    state = learner.state()
    assert struct.unpack_from("<4I", state) == (*learner.generator.state, 0, 50)
    at = 16 + 2 * 12
    assert state[at : at + 16] == bytes((v - 7) % 256 for v in range(15)) + b"\0"
    at += 16 + 5 * 4  # the weights up to a multiple of 4, then the biases
    assert state[at : at + 12] == bytes(12)  # 10 weights of zero
    assert struct.unpack_from("<2i", state, at + 12) == (1000, -1000)
    assert len(state) == at + 20


# -- widths ----------------------------------------------------------------------------------


def dense(inputs, rows=1, bias=0):
    facts = dict.fromkeys(("multiplier", "ratio", "weight_scale")) | {"shift": np.zeros(rows, int)}
    zeros = dict(input_zero_point=0, output_zero_point=0, activation_min=-128,
                 activation_max=127)
    weights = np.zeros((rows, inputs), np.int8)
    return p.FullyConnected("wide", 0, 0, 1, weights, np.full(rows, bias, np.int32), **facts,
                            **zeros)


def conv(kernel, rows):
    flat = dense(1, rows)
    fields = vars(flat) | dict(weights=np.zeros((rows, *kernel, 1), np.int8))
    return p.Conv2D(**fields, window=Window(kernel, (1, 1), (0, 0)))


def refused(layer, out=(1, 1, 1), trained=True, classes=2) -> bool:
    """Whether a program of this one layer is refused, and by its name."""
    shapes = {"x": (1, 1, 1), "y": out, "logits": (1, 1, classes)}
    activations = [Activation(name, shape, 0, 0) for name, shape in shapes.items()]
    program = Program(activations, [layer], (0,), 2, 2, None, None)
    return is_refused(program, [layer] if trained else [])


def is_refused(program, trained) -> bool:
    try:
        check_widths(program, trained)
    except ModelError as error:
        assert "wide" in error.message or "output" in error.message
        return True
    return False


def test_a_row_of_weights_is_as_long_as_its_sum_has_room():
    """row_size * 128 * 255, and a bias of 2^30."""
    fits = (POWER_OF_31 - 1 - 2**30) // (128 * 255)
    assert not refused(dense(fits)) and refused(dense(fits + 1))
    assert not refused(dense(fits + 1), trained=False)  # its weights are zero and stay so


def test_a_row_that_does_not_learn_has_the_room_that_its_own_weights_leave():
    """255 * sum |w| + |bias| < 2^31; dead channels of TensorFlow have a bias of 2^30 + 128."""
    layer = dense(3)
    layer.weights[...] = (127, -128, 5)
    layer.bias[...] = POWER_OF_31 - 1 - 255 * 260
    assert not refused(layer, trained=False)
    layer.bias[...] += 1
    assert refused(layer, trained=False)
    assert not refused(dense(fits_of(2**30 + 128), bias=2**30 + 128))
    assert refused(dense(fits_of(2**30 + 128) + 1, bias=2**30 + 128))


def fits_of(bias):
    return (POWER_OF_31 - 1 - bias) // (128 * 255)


@pytest.mark.parametrize("bias", [2**30, -(2**30)])
def test_a_bias_is_as_large_as_its_sum_has_room(bias):
    assert not refused(dense(2, bias=bias))
    assert not refused(dense(2, bias=bias + (1 if bias > 0 else -1)), trained=False)
    assert refused(dense(2, bias=2 * bias - (bias > 0)))


def test_an_input_error_sums_as_many_outputs_as_it_has_room():
    """taps * outputs * 127 * 128; only where the layer trains."""
    fits = (POWER_OF_31 - 1) // (127 * 128)
    assert not refused(dense(1, fits)) and refused(dense(1, fits + 1))
    assert not refused(dense(1, fits + 1), trained=False)
    assert not refused(conv((2, 3), fits // 6)) and refused(conv((2, 3), fits // 6 + 1))


def test_a_gradient_sums_as_many_positions_as_it_has_room():
    """positions * 127 * 255."""
    fits = (POWER_OF_31 - 1) // (127 * 255)
    assert not refused(conv((1, 1), 1), (1, fits, 1))
    assert refused(conv((1, 1), 1), (1, fits + 1, 1))
    assert not refused(conv((1, 1), 1), (1, fits + 1, 1), trained=False)


def pool(kernel):
    return p.AveragePool2D("wide", 0, 0, 1, Window(kernel, (1, 1), (0, 0)), -128, 127)


def test_an_uneven_average_weighs_as_many_windows_as_it_has_room():
    """Windows a cell * 128 * 2^15, where there is more than one window."""
    assert 511 * 128 * 2**15 < POWER_OF_31 <= 512 * 128 * 2**15
    assert not refused(pool((7, 73)), (2, 2, 1), False)  # 511 cells
    assert refused(pool((2, 256)), (2, 2, 1), False)
    assert not refused(pool((40, 40)), (1, 1, 1), False)


@pytest.mark.parametrize("period", [1, 2])
def test_an_operand_repeats_as_often_as_its_errors_sum_has_room(period):
    """repetitions * 127 * 255, of a product's errors."""
    fits = (POWER_OF_31 - 1) // (127 * 255)
    for more, wide in ((0, False), (period, True)):
        product = p.Mul("wide", 0, 0, 2, 1, 2**30, 0, 0, -128, 127, (0, 0))
        sizes = fits * period + more, period, 2
        activations = [Activation("a", (1, 1, size), 0, 0) for size in sizes]
        assert is_refused(Program(activations, [product], (0,), 2, 2, None, None), []) == wide


def test_a_loss_has_as_many_classes_as_its_sum_has_room():
    """2^31 + classes * 2^16 / 2 below 2^32, and a class in 15 bits."""
    assert POWER_OF_31 + 2**15 * (2**16 // 2) < POWER_OF_32
    assert not refused(dense(1), classes=2**15 - 1) and refused(dense(1), classes=2**15)
