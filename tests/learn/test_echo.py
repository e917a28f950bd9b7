"""The adaptive rule's echo, against what docs/numerics.md section 5 says in real numbers."""

import numpy as np
import pytest
from hand_graph import HandGraph

from edgetune.learn.learner import Learner
from edgetune.learn.recipe import Recipe
from edgetune.learn.rules.echo import Echo

ONE = 2**24


def listened(heard, times, shortfall=0.5, classes=5, mean=0.5):
    """An echo that heard the same ``times`` over, in shares of 1."""
    echo = Echo()
    others = shortfall / (classes - 1)
    wanted = 2.5 * mean * others
    for step in range(times):
        echo.hear(round(heard * ONE), round(others * ONE), round(wanted * ONE), step)
    return echo


def test_an_even_share_is_no_echo():
    """The class before has no more than each of the others: nothing is taken off."""
    assert listened(0.125, 100).log2 == 0


@pytest.mark.parametrize("heard, sign", [(0.27, 1), (0.29, -1)])
def test_it_may_be_louder_by_two_and_a_half_mean_errors(heard, sign):
    """0.125 * (1 + 2.5 * 0.5) = 0.28."""
    echo = listened(heard, 200)
    assert (echo.log2 == 0) == (sign > 0)


def test_a_change_is_the_excess_over_what_is_heard_spread_over_eight_samples_at_first():
    heard, others, wanted = 0.5, 0.125, 0.15625
    echo = listened(heard, 1)
    expected = (wanted - heard + others) / (heard + wanted + 1e-4) / 8
    assert echo.log2 / 2**16 == pytest.approx(expected, abs=1e-4)
    late = Echo()
    late.hear(*(round(v * ONE) for v in (heard, others, wanted)), 10**6)
    assert late.log2 / 2**16 == pytest.approx(expected / 8, abs=1e-4)


def test_it_takes_off_a_sixteenth_at_most_and_comes_back():
    echo = listened(0.9, 1000)
    assert echo.log2 == -4 << 16
    assert echo.times(1 << 20) == 1 << 16
    for step in range(1000, 3000):
        echo.hear(0, ONE // 10, 0, step)
    assert echo.log2 == 0


def test_a_power_of_two_lies_on_the_chord():
    goal = 3 << 20
    for log2 in (0, -1, -1.5, -2, -3.25, -4):
        echo = Echo(log2=round(log2 * 2**16))
        whole = np.ceil(log2)
        chord = 2.0**whole * (1 - (whole - log2) / 2)
        assert echo.times(goal) == pytest.approx(goal * chord, abs=1)


def test_only_a_sample_of_another_class_says_what_the_one_before_left():
    echo = Echo()
    assert [echo.turn_to(label) for label in (3, 3, 1, 0, 0)] == [None, None, 3, 1, None]


def test_the_rule_hears_the_class_before_in_the_probabilities():
    g = HandGraph((1, 6, 6, 1))
    learner = Learner(g.lower(g.dense(g.conv(g.input, 4, (3, 3)), 4)), Recipe(rule="adaptive"))
    x = np.random.default_rng(2).integers(-128, 128, (2, 6, 6, 1))
    learner.train(x[0], 2)
    before = learner.rule.network.shortfall
    learner.train(x[1], 0)
    loss, logits = learner.program.loss, learner._value(learner.program.logits).reshape(-1)
    p = loss.probabilities_of(logits) / 2**15
    wanted = 2.5 * before / ONE * (1 - p[0]) / 3
    assert learner.rule.network.echo.mean / ONE == pytest.approx(p[2] + wanted, abs=1e-6)
    assert learner.rule.network.echo.count == 1
