"""The adaptive rule, against what docs/numerics.md section 5 says in real numbers."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hand_graph import HandGraph
from thinned import thinned_rows
from tiny_tflite import ModelBuilder

from edgetune.learn.learner import Learner
from edgetune.learn.losses import LossChoice
from edgetune.learn.lower import lower
from edgetune.learn.recipe import BIASES, Recipe
from edgetune.learn.rules import Gradient, Outcome
from edgetune.learn.rules.adaptive import (
    default_rate,
    most_moved,
    output_step,
    square_shift,
)
from edgetune.learn.scaled import Scaled, scaled_real
from edgetune.model.read import read_tflite

ADAPTIVE = Recipe(rule="adaptive")
HALF = 2**14  # p(target) in Q15


def network():
    """A convolution of 36 weights, a depthwise one of 36 and a dense layer."""
    g = HandGraph((1, 6, 6, 1))
    y = g.depthwise(g.conv(g.input, 4, (3, 3)), 1, (3, 3))
    return g.lower(g.dense(y, 4))


def dense(weights):
    """The rule of one dense layer."""
    g = HandGraph((1, weights // 4))
    return rule_of(g.lower(g.dense(g.input, 4)))


def rule_of(program, recipe=ADAPTIVE):
    return recipe.rule_for(program)


def real(value) -> float:
    value = getattr(value, "value", value)
    return value.mantissa * 2.0**value.exponent


def outcome(measure=HALF, step=100, total=0, outputs=(10**9,) * 3):
    """Of three layers, whose outputs are so large that their size does not count."""
    return Outcome(step, total, np.zeros(4), 0, measure, outputs)


def gradient(index=0, exponent=-3):
    rng = np.random.default_rng(index)
    return Gradient(
        rng.integers(0, 900, (4, 10)), rng.integers(-127, 128, (4, 4, 4)), exponent
    )


# -- facts -----------------------------------------------------------------------------------


def test_each_layers_share_unit_and_bound():
    """The weights; the gradient's unit; 32 steps of the output, the last layer 64."""
    hidden = 32
    program = network()
    learner = Learner(program, ADAPTIVE)
    for i, (layer, facts) in enumerate(zip(learner.trained, learner.rule.facts)):
        largest = max(m * 2.0 ** (s - 31) for m, s in zip(layer.multiplier, layer.shift))
        assert real(facts.share) == layer.weights.size
        assert real(facts.unit) == pytest.approx(learner.backward.gradient_units[i], rel=1e-6)
        assert real(facts.most_moved) == pytest.approx((hidden, hidden, 64)[i] / largest, rel=1e-6)
        assert facts.errors == program.activations[layer.output].size
    facts = rule_of(program, Recipe(BIASES, rule="adaptive")).facts
    assert [real(f.share) for f in facts] == [4, 4, 4]


@pytest.mark.parametrize("layers, rate", [(0, 56), (1, 56), (5, 56), (8, 35), (10, 28), (28, 28)])
def test_the_more_layers_the_less_each_is_to_win_down_to_a_half(layers, rate):
    assert default_rate(layers) == pytest.approx(rate, rel=1e-3)


def test_less_is_to_win_where_nothing_settles_and_by_biases_alone():
    program = network()
    assert rule_of(program).rate == 42  # of three layers
    assert rule_of(program, Recipe(BIASES, rule="adaptive")).rate == pytest.approx(56 / 22)
    last = Recipe(layers=("last",), rule="adaptive")
    assert rule_of(program, last).rate == pytest.approx(14 / 3)  # one dense layer
    regression = lower(program.graph, LossChoice("mse"))
    assert rule_of(regression, last).rate == 8
    assert rule_of(regression).rate == 8
    assert rule_of(regression, Recipe(rule="adaptive", rate=7)).rate == 7


def test_a_third_is_to_win_where_no_gradient_is_a_mean_of_positions():
    g = HandGraph((1, 8))
    y = g.input
    for rows in (8, 6, 5, 4):
        y = g.dense(y, rows)
    program = g.lower(y)
    assert rule_of(program).rate == pytest.approx(56 / 3)
    assert rule_of(program, Recipe(BIASES, rule="adaptive")).rate == pytest.approx(56 / 22)
    assert rule_of(lower(program.graph, LossChoice("mse"))).rate == 8
    assert rule_of(network(), Recipe(layers=("last:2",), rule="adaptive")).rate == 28


def test_of_two_classes_half_as_much_is_to_win_and_less_error_is_all_there_is_to_learn():
    """A guess of one of two is half right: 3/2 of what counts of many."""
    def of(classes):
        g = HandGraph((1, 6, 6, 1))
        return rule_of(g.lower(g.dense(g.conv(g.input, 4, (3, 3)), classes)))

    two, three = of(2), of(3)
    assert (two.rate, three.rate) == (14, 28)
    assert (two.settles, three.settles) == (2, 1)
    for mean in (0.1, 0.2, 0.3, 0.4):
        few, many = (rule._doubt_q16(round(mean * 2**24)) / 2**16 for rule in (two, three))
        assert few == pytest.approx(min(1, 3 * mean), abs=1e-4)
        assert many == pytest.approx(min(1, 2 * mean), abs=1e-4)
        two.network.most_since = three.network.most_since = round(mean * 2**24)
        first, many_d = outcome(step=0, total=100), 2 * mean
        expected = min(1, many_d) ** 3 * min(1, 2 * many_d**2)
        assert two._left_q16(first) / 2**16 == pytest.approx(min(1, 3 * mean) ** 3, abs=1e-3)
        assert three._left_q16(first) / 2**16 == pytest.approx(expected, abs=1e-3)
    labels = lower(network().graph, LossChoice("sigmoid"))
    assert rule_of(labels).settles == 0


@pytest.mark.parametrize("layers, moved", [
    (1, 32), (3, 32), (4, 17.1875), (5, 8.8), (8, 2.5), (10, 1.6), (20, 0.4),
])
def test_the_more_layers_the_less_each_may_move(layers, moved):
    assert most_moved(layers) == pytest.approx(moved)


@pytest.mark.parametrize("count, positions", [
    (1, 1), (2**17, 1), (2**17, 1024), (2**20, 66311), (2**24, 66311),
])
def test_squares_fit_63_bits_and_no_more_is_dropped_than_must_be(count, positions):
    shift = square_shift(count, positions)
    assert ((positions * 127 * 255) >> shift) ** 2 * count < 2**63
    if shift:
        assert (2 * (positions * 127 * 255) >> (shift - 1)) ** 2 * 2 * count >= 2**63


def test_a_dense_layers_squares_are_whole():
    """Whose factored draw has them as a product: |e|^2 of errors times |x|^2 of inputs."""
    assert square_shift(2**24, 1) == 0


# -- a sample --------------------------------------------------------------------------------


def test_means_of_the_shortfall():
    rule = rule_of(network())
    values = [0, 2**15, HALF, 12345] * 400
    for measure in values:
        rule.observe(outcome(measure))
    shortfall = [1 - v / 2**15 for v in values]
    mean = since = 0.0
    for i, value in enumerate(shortfall):
        mean += (value - mean) / min(i + 1, 64)
        since += (value - since) / min(i + 17, 1024)
    assert rule.network.shortfall / 2**24 == pytest.approx(mean, abs=1e-5)
    assert rule.network.shortfall_since / 2**24 == pytest.approx(since, abs=1e-4)
    assert (rule.network.samples, rule.network.samples_since) == (64, 1008)


@pytest.mark.parametrize("step, total, factor", thinned_rows([
    (0, 1000, 1 / 2), (5, 1000, 0.995 * 13 / 16), (750, 1000, 1 / 4), (1000, 1000, 0),
    (0, 0, 1 / 2), (5, 0, 13 / 16), (8, 0, 1), (10**6, 0, 1),
], 2))
def test_the_goal_follows_the_clock(step, total, factor):
    """Slowly at first, and down to nothing where there is an end."""
    rule = rule_of(network())
    rule.observe(outcome())
    rule.network.most_since = rule.network.shortfall_since = 2**23  # a half: no doubt is left out
    rule.network.age = 0
    goal = rule._goal(outcome(step=step, total=total))
    assert goal / 2**24 == pytest.approx(42 * 0.5 * factor, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("rate", [1.0, 42.0, 4096.0])
def test_a_network_that_is_right_hardly_moves(rate):
    """d^3, d twice the long mean, where 16 right samples came first."""
    rule = rule_of(network(), Recipe(rule="adaptive", rate=rate))
    for measure in [2**15] * 500 + [0] * 40:
        rule.observe(outcome(measure))
    rule.network.age = 0
    since = rule.network.shortfall_since / 2**24
    assert since == pytest.approx(40 / 556, rel=0.05)
    goal = rule._goal(outcome()) / 2**24
    short = rule.network.shortfall / 2**24
    assert goal == pytest.approx(min(2.0**8, rate * short * (2 * since) ** 3), rel=0.01)


def test_under_way_half_is_wrong_and_nothing_is_taken_off():
    """A sample is measured, and the next one draws what the goal of all of it asks for."""
    learner = Learner(network(), ADAPTIVE)
    x = np.random.default_rng(1).integers(-128, 128, (6, 6, 1))
    learner.under_way(x, 1)
    words, step = learner.rule.network, learner.step
    assert words.shortfall_since / 2**24 == pytest.approx(0.5, abs=1e-3)
    assert words.most_since == max(words.shortfall_since, 2**23) and words.samples == 1
    words.echo.log2 = words.age = 0
    goal = learner.rule._goal(outcome(step=step)) / 2**24
    assert goal == pytest.approx(42 * words.shortfall / 2**24, rel=0.01)
    assert learner.train(x, 1).draws > 0


def observed_all(*measures):
    """A rule that has seen samples of these measures in this order."""
    rule = rule_of(network())
    for step, measure in enumerate(measures):
        rule.observe(outcome(measure, step))
    return rule


def test_with_an_end_what_was_to_learn_counts_until_the_end():
    """The most that the long mean has been; it begins anew with a run."""
    rule = observed_all(*[0] * 200, *[2**15] * 800)
    most = 200 / 216
    assert rule.network.most_since / 2**24 == pytest.approx(most, rel=0.01)
    rule.network.shortfall = 2**20  # nothing was wrong any more
    assert rule._goal(outcome(step=500, total=1000)) / 2**24 == pytest.approx(42 / 16 / 2, rel=0.01)
    rule.observe(outcome(2**15, 0))
    assert rule.network.most_since == rule.network.shortfall_since < most / 2 * 2**24


@pytest.mark.parametrize("steps", [1, 100, 400, 1200, 5000, 15000])
def test_without_an_end_the_goal_falls_as_the_run_goes_on(steps):
    """1 / (1 + (age / 700)^4), down to 1 / 106; the doubt where that is less."""
    rule = observed_all(*[0] * steps)
    rule.network.echo.log2 = 0
    age = rule.network.age / 2**16
    assert 0.93 * steps <= age <= steps or age == 2240 < steps
    rule.network.most_since = 2**24
    left = rule._goal(outcome(step=999)) / 2**24 / 42
    expected = 1 / (1 + (age / 700) ** 4)
    assert left == pytest.approx(expected, rel=3e-3)
    rule.network.most_since = 3 * 2**24 // 8
    doubt = min(expected, 0.75**3)
    assert rule._goal(outcome(step=999)) / 2**24 / 42 == pytest.approx(doubt, rel=3e-3)


@pytest.mark.parametrize("doubt", [1 / 4, 1 / 2, 0.7, 0.75, 1.0])
def test_with_an_end_less_doubt_takes_off_more(doubt):
    """d^3 * min(1, 2 d^2)."""
    rule = observed_all(0)
    rule.network.echo.log2 = 0
    rule.network.most_since = round(doubt * 2**23)
    left = rule._goal(outcome(step=500, total=1000)) / 2**24 / 42 / 0.5
    assert left == pytest.approx(doubt**3 * min(1, 2 * doubt**2), rel=0.01)


def test_news_makes_young():
    """By a 64th of the excess over 5/4 of the long mean, a step; the age stays where all is as
    usual."""
    rule = observed_all(*[2**15 - 2**12] * 1000)
    expected = age = rule.network.age / 2**16
    for step in range(1000, 1200):
        rule.observe(outcome(0, step))
        usual, short = rule.network.shortfall_since, rule.network.shortfall
        expected += 1 - expected * min(max(short / usual - 1.25, 0), 1) / 64
    assert rule.network.age / 2**16 == pytest.approx(expected, rel=1e-3)
    assert expected < age / 4


def test_where_the_shortfall_has_no_scale_of_its_own_nothing_is_taken_off():
    rule = rule_of(network())
    rule.loss = SimpleNamespace(settles=False, echoes=False, shortfall=lambda measure: measure)
    rule.observe(outcome(2**16))
    rule.network.age = 0
    assert rule._goal(outcome()) == 42 * 2**16


# -- a layer ---------------------------------------------------------------------------------


def observed(*gradients):
    """A rule that has seen the first layer's gradients."""
    rule = rule_of(network())
    for g in gradients:
        rule.observe(outcome())
        rule.trials_q16(0, g)
    return rule


def test_the_first_sample_only_measures():
    learner = Learner(network(), ADAPTIVE, seed=1)
    x = np.random.default_rng(1).integers(-128, 128, (6, 6, 1))
    assert learner.train(x, 1).draws == 0
    assert learner.rule.layers[-1].decrease.mantissa and learner.rule.network.samples == 1


def test_a_layers_decrease_is_the_mean_of_what_a_trial_wins():
    """S / (S + C) * sum g^2 / S * unit, C the mean of S so far."""
    gradients = [gradient(i, -i) for i in range(5)]
    rule, masses, mean = observed(*gradients), [], 0.0
    for k, g in enumerate(gradients, 1):
        scale = 2.0**g.exponent
        mass = g.mass * scale
        masses.append(mass)
        win = mass / (mass + np.mean(masses)) * (g.magnitudes**2).sum() / g.mass * scale
        mean += (win * real(rule.facts[0].unit) - mean) / k
    assert real(rule.layers[0].decrease) == pytest.approx(mean, rel=1e-4)


def test_trials_win_the_goal_together():
    """n = share * S / (S + C) * goal / the sum of all layers' share * decrease."""
    rule = rule_of(network())
    for _ in range(70):
        rule.observe(outcome())
        for i in range(3):
            rule.trials_q16(i, gradient(i))
    rule.observe(outcome())
    goal = rule._goal(outcome()) / 2**24
    total = sum(real(f.share) * real(la.decrease) for f, la in zip(rule.facts, rule.layers))
    assert real(rule.network.gain) == pytest.approx(goal / total, rel=1e-5)
    rule.facts[0] = replace(rule.facts[0], most_moved=Scaled(2**23, 99))
    n = rule.trials_q16(0, gradient(0)) / 2**16
    expected = real(rule.facts[0].share) / 2 * goal / total  # every S is alike: S = C
    assert n == pytest.approx(min(expected, 54), rel=1e-4)


def test_no_layer_moves_its_output_further_than_its_bound():
    """n * M * (sum g^2 / S) / sum |e| <= the bound, whatever the gain."""
    rule, g = observed(gradient()), gradient()
    rule.network.gain.value = scaled_real(1e30)
    rule.facts[0] = replace(rule.facts[0], most_trials_q16=65535 << 16)
    n = rule.trials_q16(0, g) / 2**16
    mean = (g.magnitudes**2).sum() / g.mass
    most = real(rule.facts[0].most_moved) * np.abs(g.error).sum() / mean
    assert n == pytest.approx(most, rel=1e-4)


@pytest.mark.parametrize("mean", [0, 1, 7.5, 16])
def test_no_layer_moves_its_output_further_than_goes_with_its_size(mean):
    """n * M * (sum g^2 / S) / sum |e| <= the mean output and one step."""
    rule, g = observed(gradient()), gradient()
    rule.network.gain.value = scaled_real(1e30)
    rule.facts[0] = replace(rule.facts[0], most_trials_q16=65535 << 16)
    rule.layers[0].output = int(mean * rule.facts[0].outputs)
    layer = rule.learning.trained[0]
    largest = max(m * 2.0 ** (s - 31) for m, s in zip(layer.multiplier, layer.shift))
    moved = rule.trials_q16(0, g) / 2**16 * largest * (g.magnitudes**2).sum() / g.mass
    assert moved / np.abs(g.error).sum() == pytest.approx(mean + 1, rel=1e-3)


def test_the_size_of_the_logits_does_not_count():
    """They are all alike where a last layer begins at 0."""
    rule, g = observed(gradient()), gradient()
    rule.network.gain.value = scaled_real(1e30)
    before = rule.trials_q16(2, g)
    rule.layers[2].output = 0
    assert rule.trials_q16(2, g) == before > 0


@pytest.mark.parametrize("outputs, channels, step", [
    (1, 1, 1), (64, 64, 1), (127, 127, 1), (8000, 64, 125), (8064, 64, 127), (6272, 8, 99),
    (4096, 30, 67),
])
def test_some_outputs_of_all_channels_are_looked_at(outputs, channels, step):
    assert output_step(outputs, channels) == step and math.gcd(step, channels) == 1


def test_outputs_count_as_the_sample_finds_them():
    model = ModelBuilder((1, 8, 8, 3), seed=3).conv(4, 3).dense(3).build()
    learner = Learner(lower(read_tflite(model)), ADAPTIVE)
    x = np.random.default_rng(1).integers(-128, 128, (1, 8, 8, 3))
    learner.forward(x)
    before = [learner._value(layer.output).reshape(-1) for layer in learner.trained]
    learner.train(x, 1)
    for layer, y, found in zip(learner.trained, before, learner.rule.layers):
        zero = learner.program.activations[layer.output].zero_point
        looked_at = y[:: output_step(y.size, layer.rows)]
        assert found.output == np.abs(looked_at - zero).sum() > 0


def test_there_are_never_more_trials_than_can_be_counted():
    rule, g = observed(gradient()), gradient()
    rule.network.gain.value = scaled_real(1e30)
    rule.facts[0] = replace(rule.facts[0], most_moved=Scaled(2**23, 99))
    assert rule.trials_q16(0, g) == 54 << 16  # one and a half for each of 36 weights
    assert dense(2**16).facts[0].most_trials_q16 == 65535 << 16
    alone = rule_of(network(), Recipe(BIASES, rule="adaptive"))
    assert alone.facts[0].most_trials_q16 == 65535 << 16


def test_magnitudes_that_vanish_when_shifted_are_left_alone():
    rule, g = observed(gradient()), gradient()
    rule.network.gain.value = scaled_real(1e30)
    rule.facts[0] = replace(rule.facts[0], square_shift=20)
    assert rule.trials_q16(0, g) == 0
