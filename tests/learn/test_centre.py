"""Weights that move about the mean of their layer's input: what that is, and what it holds."""

import numpy as np
import pytest
from random_layers import LAYERS, errors
from tiny_tflite import ModelBuilder

from edgetune.learn import operators as p
from edgetune.learn.draws import BIAS_LIMIT, apply_steps
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.operators import BIAS_INPUT, about
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite

CENTRED = [kind for kind in LAYERS if issubclass(kind, p.WeightedLayer) and kind.has_centre]


def made(kind, seed):
    """A random layer that gives its sums as they are, int64 inputs, and its output's shape."""
    layer, (x,), shape = LAYERS[kind](np.random.default_rng(seed), False)
    layer.requantize = lambda sums: sums + layer.bias.astype(np.int64)
    return layer, x.astype(np.int64), shape


def sums(layer, x, shape):
    return layer.forward([x], shape).reshape(shape)


def moved(layer, row, column, by, centre):
    """A weight moved, its bias as it holds the output at the centre."""
    layer.by_row(layer.weights)[row, column] += by
    layer.bias[row] -= by * centre


@pytest.mark.parametrize("kind", CENTRED)
@pytest.mark.parametrize("seed", range(4))
def test_the_gradient_about_a_centre_is_the_derivative_where_the_bias_holds(kind, seed):
    layer, x, shape = made(kind, seed)
    rng = np.random.default_rng(seed)
    e, centre = errors(rng, shape).astype(np.int64), int(rng.integers(-100, 100))
    layer.weights = layer.weights // 2  # room for a step
    gradient = about(layer.gradient(e, x), centre)
    before = (e * sums(layer, x, shape)).sum()
    for place in rng.permutation(layer.weights.size)[:12]:
        row, column = divmod(int(place), layer.row_size)
        moved(layer, row, column, 1, centre)
        assert (e * sums(layer, x, shape)).sum() - before == gradient[row, column]
        moved(layer, row, column, -1, centre)
    np.testing.assert_array_equal(gradient[:, -1:], layer.bias_gradient(e))


def flat_dense():
    """A dense layer of 3 rows of 4 weights, at whose input all is at the centre: 9 above zero."""
    layer, _, shape = made(p.FullyConnected, 1)
    layer.weights = np.array([[127, -127, 5, 0], [1, 2, 3, 4], [126, 0, 0, 0]], np.int8)
    layer.bias = np.array([10, -20, BIAS_LIMIT - 3], np.int32)
    return layer, np.full(4, 9 + layer.input_zero_point)


def test_steps_leave_the_output_at_the_centre_where_it_was():
    layer, x = flat_dense()
    before = sums(layer, x, 3)
    steps = np.array([[-5, 1, 2, 0, 0], [0, 0, -3, 4, 0], [-9, 0, 0, 0, 0]])
    assert apply_steps(layer, steps, 9) == 3  # at 127, at -127, and the last row's at 127
    np.testing.assert_array_equal(layer.weights, [[127, -127, 3, 0], [1, 2, 6, 0], [127, 0, 0, 0]])
    np.testing.assert_array_equal(sums(layer, x, 3), before)
    apply_steps(layer, np.array([[0] * 4 + [1], [0] * 5, [1, 0, 0, 0, 0]]), 9)
    assert layer.bias[0] == 10 + 2 * 9 - BIAS_INPUT  # a bias of its own moves as ever
    assert layer.bias[2] == BIAS_LIMIT - 3  # 9 less, then 9 more


def test_a_bias_goes_no_further_than_its_limit():
    layer, _ = flat_dense()
    layer.bias[2] = -BIAS_LIMIT + 4
    apply_steps(layer, np.array([[0] * 5, [0] * 5, [0, -1, 0, 0, 0]]), 9)
    assert layer.bias[2] == -BIAS_LIMIT
    apply_steps(layer, np.array([[0] * 5, [0] * 5, [0, 2, 0, 0, 0]]), 255)
    assert layer.bias[2] == -BIAS_LIMIT + 510


@pytest.mark.parametrize("values, zero_point, mean", [
    ([-128, -128, -128], -128, 0), ([127, 127], -128, 255), ([-128], 127, -255),
    ([0, 1], 0, 1), ([0, -1], 0, 0), ([3, 3, 4, 4, 4], -3, 7), ([-5, -5, -6], 10, -15),
])
def test_a_centre_is_the_mean_to_the_nearest_half_up(values, zero_point, mean):
    layer, *_ = made(p.Conv2D, 0)
    layer.input_zero_point = zero_point
    assert layer.centre(np.array(values, np.int64)) == mean


def learner(b: ModelBuilder, recipe: Recipe) -> Learner:
    graph = read_tflite(b.dense(6, "RELU").dense(4).softmax().build())
    return Learner(lower(graph, recipe.loss_choice), recipe)


def test_who_has_a_centre():
    x = np.full(3 * 3 * 2, 40, np.int64)
    for recipe, centre in (
        (Recipe(), 47), (Recipe(rule="fixed"), 0), (Recipe(layers=("biases",)), 0),
    ):
        found = learner(ModelBuilder((1, 3, 3, 2), 1 / 40, -7, seed=2), recipe)
        assert found.rule.centre(0, x) == centre
        assert found.rule.centre(1, np.full(6, 40, np.int64)) == 0  # the logits'
    assert not p.TransposeConv.has_centre


def test_a_step_of_the_adaptive_rule_hardly_moves_what_samples_have_in_common():
    """Behind a rectifier inputs are above zero: plain gradients move the output of the mean."""

    def common(rule):
        small = ModelBuilder((1, 40), 1 / 40, -128, seed=5)
        net = learner(small, Recipe(rule=rule))
        x = np.random.default_rng(1).integers(0, 128, (30, 40))
        mean, moved_by = x.mean(axis=0).round().astype(np.int64), []
        for i in range(30):
            before = net.forward(mean).astype(int)
            net.train(x[i], i % 4)
            change = np.abs(net.forward(mean).astype(int) - before).mean()
            moved_by.append(change / max(1, net.draws))
        return np.mean(moved_by)
    assert common("adaptive") < common("fixed") / 2
