"""The peers' rules, against what docs/numerics.md section 5 says in real numbers."""

import math

import numpy as np
import pytest
from hand_graph import HandGraph

from edgetune.errors import UsageError
from edgetune.learn.draws import DRAWS
from edgetune.learn.generator import Generator
from edgetune.learn.learner import Learner
from edgetune.learn.recipe import BIASES, Recipe
from edgetune.learn.rules import RULES, Gradient, Outcome
from edgetune.learn.rules.niti import shifted
from edgetune.learn.rules.rule import MAX_TRIALS
from edgetune.plan.workload import _columns

PEERS = [name for name in RULES if name not in ("fixed", "adaptive")]
SCALES = [0.5, 0.125, 0.25, 0.03125]  # of a convolution's channels


def network():
    """A convolution of 36 weights with scales of its own each channel, a depthwise one of 36 and
    a dense layer of 64."""
    g = HandGraph((1, 6, 6, 1), scale=0.25)
    y = g.depthwise(g.conv(g.input, 4, (3, 3), weight_scale=SCALES), 1, (3, 3))
    return g.lower(g.dense(y, 4))


def rule_of(name, rate=None, null_mass=None, layers=Recipe.layers):
    return Recipe(layers, rule=name, rate=rate, null_mass=null_mass).rule_for(network())


def gradient(index=0, exponent=-3, most=900):
    rng = np.random.default_rng(index)
    return Gradient(
        rng.integers(0, most, (4, 10)), rng.integers(-127, 128, (4, 4, 4)), exponent
    )


def unit_of(rule, index, g):
    """The derivative by a weight's integer that a gradient of one stands for."""
    return rule.learning.backward.gradient_units[index] * 2.0**g.exponent


def sized(rule, largest, index=0, most=2**16):
    """A gradient whose largest derivatives are about ``largest``."""
    unit = unit_of(rule, index, gradient(exponent=0))
    return gradient(index, round(math.log2(largest / most / unit)), most)


def counts(rule, index, g, generator):
    rule.begin(index, g.exponent)
    return rule.counts(index, g, DRAWS["systematic"], generator)


@pytest.mark.parametrize("layers", [Recipe.layers, BIASES], ids=["all", "biases"])
@pytest.mark.parametrize("name", PEERS)
def test_a_step_goes_against_the_gradients_signs(name, layers):
    """And leaves what has no gradient, whatever c adds to it."""
    learner = Learner(network(), Recipe(layers, rule=name), seed=1)
    rng = np.random.default_rng(1)
    for layer in learner.trained:
        layer.weights[...] = rng.integers(-50, 50, layer.weights.shape)
    seen = {}
    own = learner._gradient

    def gradient_of(layer, error, x):
        return seen.setdefault(layer.name, own(layer, error, x))

    learner._gradient = gradient_of
    before = [_columns(layer) for layer in learner.trained]
    learner.train(rng.integers(-128, 128, (6, 6, 1)), 1)
    total = 0
    for layer, start in zip(learner.trained, before):
        steps, of = _columns(layer) - start, seen[layer.name]
        if layers == BIASES:
            assert not steps[:, :-1].any()
        steps = steps[:, -of.shape[1]:]
        assert (np.sign(steps) * np.sign(of) <= 0).all() and not steps[of == 0].any()
        total += np.abs(steps).sum()
    assert total


# -- the multinomial as published ------------------------------------------------------------


def test_published_numbers_of_trials():
    """round(d^(1/m)): 36 and 36 of 4 dimensions, 64 of 2; biases alone are vectors of 4."""
    assert rule_of("multinomial").trials_of == [2, 2, 8]
    assert rule_of("multinomial", rate=10.0).trials_of == [20, 20, 80]
    assert rule_of("multinomial", layers=BIASES).trials_of == [4, 4, 4]


@pytest.mark.parametrize("c", [0.0, 0.003, 1.0])
def test_a_multinomials_expectation(c):
    """n (|g| + c) / (S + d c), with c in the unit of the loss's derivative by an integer."""
    rule, generator = rule_of("multinomial", 20.0, c), Generator(3)
    g = sized(rule, 0.01)
    unit = unit_of(rule, 0, g)
    masses = g.magnitudes + c / unit
    total = sum(counts(rule, 0, g, generator) for _ in range(800))
    assert total.sum() == 800 * 40
    expected = 800 * 40 * masses / masses.sum()
    assert np.abs(total - expected).max() < 6 * np.sqrt(expected.max())
    assert rule.layers[0].added == pytest.approx(c / unit, rel=1e-6, abs=1)


def test_a_null_mass_beyond_all_gradients_stops_at_32_bits():
    rule = rule_of("multinomial")
    rule.begin(0, -300)
    assert rule.layers[0].added == 2**32 - 1


@pytest.mark.parametrize("c", [0.0, 1e-3])
def test_one_draw_over_all_layers(c):
    """Of 0.5 * (36 + 4 + 36 + 4 + 64 + 4) trials each layer has its share of the mass."""
    rule = rule_of("multinomial-global", 0.5, c)
    gradients = [sized(rule, 0.01 / 2**i, i) for i in range(3)]
    for _ in range(2):  # a sample leaves nothing behind
        rule.observe(Outcome(0, 0, np.zeros(4), 0, 0))
        for i, g in enumerate(gradients):
            rule.measure(i, g)
    mass = np.array([g.mass * unit_of(rule, i, g) + 40 * c for i, g in enumerate(gradients)])
    trials = [rule.trials_q16(i, g) / 2**16 for i, g in enumerate(gradients)]
    assert trials == pytest.approx(74 * mass / mass.sum(), rel=1e-4)


def test_a_layer_that_the_error_does_not_reach_has_no_share():
    rule = rule_of("multinomial-global")
    rule.observe(Outcome(0, 0, np.zeros(4), 0, 0))
    rule.measure(1, gradient())
    assert rule.trials_q16(0, gradient()) == 0
    assert rule.trials_q16(1, gradient()) / 2**16 == pytest.approx(148, rel=1e-5)


def test_a_share_is_no_more_than_can_be_counted():
    rule = rule_of("multinomial-global", 4096.0)
    rule.observe(Outcome(0, 0, np.zeros(4), 0, 0))
    rule.measure(1, gradient())
    assert rule.trials_q16(1, gradient()) == MAX_TRIALS << 16


# -- int8 SGD --------------------------------------------------------------------------------


def sgd(name="sgd-stochastic", rate=0.01, step=0, total=0):
    rule = rule_of(name, rate)
    rule.observe(Outcome(step, total, np.zeros(4), 0, 0))
    return rule


def test_steps_are_those_of_float_sgd_on_the_weights_grid():
    """rate * dL/dW, W = scale * w, of a bias rate * dL/dB, B = input scale * scale * b and steps
    of 64."""
    rule = sgd()
    g = sized(rule, 20)
    derivative = g.magnitudes * unit_of(rule, 0, g)
    scale = np.array(SCALES)[:, None]
    expected = 0.01 * (derivative / scale) / scale
    expected[:, -1:] = 0.01 * (derivative[:, -1:] / 64) / (0.25 * scale) ** 2 / 64
    found = rule.steps_q16(0, g) / 2**16
    assert 100 < expected.max() < 255 and (expected[:, -1] > 0.01).any()
    assert found == pytest.approx(expected, rel=1e-5, abs=2**-15)


def test_the_learning_rate_falls_to_nothing_where_there_is_an_end():
    g = sized(sgd(), 20, 2)
    whole, half, none = (sgd(step=s, total=100).steps_q16(2, g) for s in (0, 50, 100))
    assert half == pytest.approx(whole / 2, rel=1e-5, abs=1) and whole.max() > 2**15
    assert not none.any()


def test_a_step_is_no_further_than_a_weight_can_go():
    rule = sgd()
    for largest in (1e5, 1e9, 1e20):
        g = sized(rule, largest)
        g.magnitudes[0, 0] = 0
        steps = rule.steps_q16(0, g)
        assert steps.max() == 255 << 16 and steps[0, 0] == 0
    assert set(np.unique(steps)) == {0, 255 << 16}


def test_stochastic_rounding_has_the_steps_expectation():
    rule, generator = sgd(), Generator(5)
    g = sized(rule, 10)
    expected = rule.steps_q16(0, g) / 2**16
    draws = np.array([counts(rule, 0, g, generator) for _ in range(600)])
    assert (np.abs(draws - expected) < 1).all()
    assert np.abs(draws.mean(axis=0) - expected).max() < 5 * 0.5 / math.sqrt(600)


def test_words_are_taken_for_fractions_alone():
    rule, generator, other = sgd(), Generator(5), Generator(5)
    assert rule.rounded(np.array([[0, 3 << 16, 1 << 15]]), generator)[0, 1] == 3
    other.next()
    assert generator.state == other.state


def test_rounding_to_nearest_leaves_small_gradients():
    rule = sgd("sgd-nearest")
    g = sized(rule, 10)
    real = rule.steps_q16(0, g) / 2**16
    steps = counts(rule, 0, g, Generator(5))
    assert ((steps == 0) == (real < 0.5)).all() and (real < 0.5).any() and (steps > 1).any()
    assert (np.abs(steps - real) <= 0.5).all()
    assert rule.rounded(np.array([0x7FFF, 0x8000, 0x18000]), Generator(0)).tolist() == [0, 1, 2]


# -- NITI ------------------------------------------------------------------------------------


def published(value: int, shift: int) -> int:
    """``PstoShift`` of NITI's repository, for one integer; // there truncates toward zero."""
    whole = int(value / 2**shift)
    rest = abs(value - whole * 2**shift)
    quantised = rest // 2 ** (shift // 2)
    pseudo_random = rest - quantised * 2 ** (shift // 2)
    pseudo_random *= 2 if shift % 2 else 1
    return whole + (quantised > pseudo_random) * (1 if value > 0 else -1)


@pytest.mark.parametrize("shift", [1, 2, 3, 8, 13, 24])
def test_pseudo_stochastic_rounding_is_the_published_one(shift):
    values = np.random.default_rng(shift).integers(-(2**30), 2**30, 500)
    assert (np.sign(values) * shifted(np.abs(values), shift)).tolist() == [
        published(int(v), shift) for v in values
    ]


@pytest.mark.parametrize("bits", [1, 2, 5, 7])
def test_nitis_steps_have_so_many_bits(bits):
    """The largest from 2^(bits - 1) to 2^bits, of int8, whatever the exponent."""
    for most in (3, 500, 2**12, 2**12 + 1, 2**29):
        g = gradient(most=most, exponent=bits)
        g.magnitudes[0, 0] = most
        steps = counts(rule_of("niti", bits), 0, g, Generator(0))
        most_bits = (most - 1).bit_length()
        if most_bits <= bits:
            assert (steps == g.magnitudes).all()
        else:
            assert 2 ** (bits - 1) <= steps.max() <= min(2**bits, 127)
            assert np.abs(steps - g.magnitudes / 2 ** (most_bits - bits)).max() < 2


def test_a_largest_gradient_of_one_is_none_as_published():
    assert not counts(rule_of("niti"), 0, gradient(most=2), Generator(0)).any()
    assert counts(rule_of("niti"), 0, gradient(most=3), Generator(0)).max() == 2
    assert rule_of("niti").bits == 3


# -- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize("recipe, words", [
    (dict(rule="niti", rate=2.5), "no number of bits"),
    (dict(rule="niti", rate=8), "no number of bits"),
    (dict(rule="multinomial", null_mass=-1.0), "null mass"),
    (dict(rule="multinomial", rate=4096.0 * 4), "out of range"),
    (dict(rule="fixed", null_mass=1.0), "takes no null mass"),
])
def test_a_constant_that_a_rule_cannot_take_is_refused(recipe, words):
    with pytest.raises(UsageError, match=words):
        Recipe(**recipe).rule_for(network())


def test_more_trials_than_can_be_counted_are_refused():
    g = HandGraph((1, 300))
    program = g.lower(g.dense(g.input, 300))
    with pytest.raises(UsageError, match="trials a step"):
        Recipe(rule="multinomial", rate=4096.0).rule_for(program)
