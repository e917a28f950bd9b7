"""What is learnt where biases learn alone: rate, gradient, steps, state and digest, by hand."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from hand_graph import HandGraph

from edgetune.errors import ModelError
from edgetune.learn.digest import digest_base, parameter_digest
from edgetune.learn.draws import BIAS_LIMIT, apply_steps
from edgetune.learn.learner import Learner
from edgetune.learn.recipe import BIASES, Recipe
from edgetune.learn.rules import FixedRate
from edgetune.learn.state import fields, parameter_bytes, parameters_type, state_type
from edgetune.learn.widths import check_widths

RECIPE = Recipe(layers=BIASES, rule="fixed")


def program():
    """108, 72 and 64 weights; 4, 8 and 2 biases."""
    g = HandGraph((1, 6, 6, 3))
    y = g.conv(g.input, 4, (3, 3), weight_scale=[1, 2, 3, 4])
    y = g.depthwise(y, 2, (3, 3))
    return g.lower(g.dense(y, 2))


def dense_program(inputs, rows=2):
    g = HandGraph((1, inputs))
    return g.lower(g.dense(g.input, rows))


def moved(seed=2, steps=6, **recipe):
    """Weights at random, a learner that has learnt from random samples, and copies of its
    weights and biases from before."""
    learner, rng = Learner(program(), replace(RECIPE, **recipe), seed), np.random.default_rng(seed)
    for layer in learner.trained:
        layer.weights[...] = rng.integers(-127, 128, layer.weights.shape)
        layer.bias[...] = rng.integers(-999, 1000, layer.rows)
    before = [(layer.weights.copy(), layer.bias.copy()) for layer in learner.trained]
    draws = [learner.train(rng.integers(-128, 128, 108), i % 2).draws for i in range(steps)]
    assert sum(draws)
    return learner, before


# -- what learns -----------------------------------------------------------------------------


def test_every_layer_learns_its_biases():
    found = program()
    assert RECIPE.trained(found) == found.weighted_layers and not RECIPE.learns_weights
    assert all(Recipe(layers).learns_weights for layers in (("all",), ("last",), ("conv_2d_0",)))


def test_a_limit_is_rate_times_the_root_of_the_biases():
    """256 * 48 * sqrt(4, 8, 2)."""
    assert RECIPE.rule_for(program()).limits_q8 == [24576, 34756, 17378]
    assert replace(RECIPE, rate=0.5).rule_for(program()).limits_q8 == [256, 362, 181]


def test_a_rate_may_be_larger_than_weights_allow():
    """sqrt(17 * 16) * 4096 trials are too many, sqrt(16) * 4096 are not."""
    assert replace(RECIPE, rate=4096).rule_for(dense_program(17, 16)).limits_q8 == [16384 << 8]


@pytest.mark.parametrize("name", ["conv_2d_0", "depthwise_conv_2d_1", "fully_connected_2"])
def test_a_gradient_is_64_times_the_sum_of_a_channels_errors(name):
    found = program()
    layer = next(la for la in found.layers if la.name == name)
    shape = found.activations[layer.output].shape
    e = np.random.default_rng(1).integers(-127, 128, shape)
    gradient = layer.bias_gradient(e)
    assert gradient.tolist() == [[64 * int(e[:, :, o].sum())] for o in range(layer.rows)]
    x = np.random.default_rng(2).integers(-128, 128, found.activations[layer.input].shape)
    np.testing.assert_array_equal(gradient, layer.gradient(e, x)[:, -1:])


def test_steps_of_biases_leave_weights_and_stop_at_the_limit():
    layer = dense_program(3, 4).layers[0]
    layer.weights[...], layer.bias[...] = -128, (100, 100, 2**30 - 10, -(2**30))
    apply_steps(layer, np.array([[0], [3], [-1], [7]]))
    assert layer.bias.tolist() == [100, 100 - 3 * 64, BIAS_LIMIT, -BIAS_LIMIT]
    assert (layer.weights == -128).all()


@pytest.mark.parametrize("draw", ["systematic", "independent"])
def test_a_learner_moves_biases_by_multiples_of_64_and_no_weight(draw):
    learner, before = moved(draw=draw)
    for layer, (weights, bias) in zip(learner.trained, before):
        np.testing.assert_array_equal(layer.weights, weights)
        assert (layer.bias != bias).any() and not ((layer.bias - bias) % 64).any()


def test_a_reset_zeroes_biases_and_keeps_weights():
    found = program()
    for layer in found.weighted_layers:
        layer.weights[...], layer.bias[...] = 5, 7
    learner = Learner(found, Recipe(BIASES, reset=True))
    assert all((la.weights == 5).all() and not la.bias.any() for la in learner.trained)


# -- digest and state ------------------------------------------------------------------------


def test_the_digest_numbers_biases_alone():
    learner, _ = moved()
    assert digest_base(learner.trained, weights=False) == [0, 4, 12]
    whole = np.concatenate([layer.bias for layer in learner.trained])
    assert np.concatenate(learner.parameters()).tolist() == whole.tolist()
    assert parameter_digest(learner.parameters()) == parameter_digest([whole])
    digest = learner.digest()
    learner.trained[1].weights[...] = 0
    assert learner.digest() == digest
    learner.trained[1].bias[3] += 1
    assert learner.digest() != digest


def test_the_state_holds_biases_alone():
    learner, _ = moved()
    state = struct.pack("<4I", *learner.generator.state, learner.step, 0)
    for mass in learner.rule.layers:
        state += struct.pack("<IiI", mass.total, mass.exponent, mass.count)
    for layer in learner.trained:
        state += layer.bias.astype("<i4").tobytes()
    assert learner.state() == state and len(state) == 16 + 3 * 12 + 4 * (4 + 8 + 2)
    block = state_type(learner.trained, FixedRate, weights=False)
    assert [(f.path, f.offset) for f in fields(block)][-3:] == [
        ("parameters.conv_2d_0_bias", 52), ("parameters.depthwise_conv_2d_1_bias", 68),
        ("parameters.fully_connected_2_bias", 100),
    ]


def test_sizes_are_those_of_the_biases():
    layers = program().weighted_layers
    assert parameters_type(layers, weights=False).itemsize == 4 * (4 + 8 + 2)
    assert [parameter_bytes(layer, weights=False) for layer in layers] == [16, 32, 8]


def test_a_learner_goes_on_from_a_block_as_the_one_that_wrote_it():
    one, _ = moved()
    other, _ = moved(steps=9)
    assert one.digest() != other.digest()
    other.load_state(one.state())
    x = np.random.default_rng(6).integers(-128, 128, 108)
    assert [one.train(x, 1) for _ in range(3)] == [other.train(x, 1) for _ in range(3)]
    assert one.digest() == other.digest() and one.state() == other.state()


# -- widths ----------------------------------------------------------------------------------


def refused(found, weights=False) -> bool:
    try:
        check_widths(found, found.weighted_layers, weights)
    except ModelError:
        return True
    return False


def test_weights_that_stay_leave_the_room_that_they_do_not_take():
    """255 * sum |w| + 2^30 < 2^31, where learning weights need 255 * 128 each."""
    room = (2**31 - 1 - 2**30) // 255
    long = dense_program(40_000, 1)
    assert refused(long, weights=True) and not refused(long)
    found = dense_program(-(-room // 127), 1)
    weights = found.layers[0].weights.reshape(-1)
    weights[:] = 127
    weights[-1] -= weights.astype(int).sum() - room
    assert not refused(found)
    weights[-1] += 1
    assert refused(found)


def test_a_sum_is_shifted_left_within_32_bits():
    """As where one channel's scale is a million times another's: TFLite's kernels go round."""
    found = dense_program(8, 1)
    layer = found.layers[0]
    layer.weights[...], layer.bias[...] = 127, 0  # 255 * 127 * 8 = 259,080, below 2^18
    layer.shift = np.full_like(layer.shift, 13)
    assert not refused(found)
    layer.shift = np.full_like(layer.shift, 14)
    assert refused(found)


def test_a_bias_that_learns_may_come_to_its_limit():
    found = dense_program(33_025, 1)
    found.layers[0].weights[...] = 127
    check_widths(found, [])  # 255 * 127 * 33,025 = 1,069,514,625, below 2^31 without a bias
    assert not refused(found)
    found.layers[0].bias[...] = 2**31 - 1 - 255 * 127 * 33_025
    assert not refused(found)
    found.layers[0].bias[...] += 1
    assert refused(found)
