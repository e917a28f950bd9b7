"""The adaptive rule's echo, against what docs/numerics.md section 5 says in real numbers."""

import numpy as np
import pytest
from hand_graph import HandGraph
from learning import classifier

from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.learn.rules.echo import Echo
from edgetune.model.read import read_tflite

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


# -- of two classes --------------------------------------------------------------------------


def alternated(changed, same, times, mean=0.2, step=0):
    """An echo of two classes that come in pairs, 0 0 1 1 ..., with these shares missing where the
    class has changed and where it has not."""
    echo = Echo()
    for i in range(times):
        turned = i % 2 == 0
        missing = changed if turned else same
        label = i // 2 % 2
        echo.hear_other(label, turned, round(missing * ONE), round(mean * ONE), step)
    return echo


@pytest.mark.parametrize("excess, is_heard", [(0, False), (0.1, False), (0.2, True)])
def test_what_is_missing_may_be_more_by_five_eighths_of_the_mean_error(excess, is_heard):
    """Where the class has changed, beside the mean of that class: 0.625 * 0.2 = 0.125."""
    echo = alternated(0.4 * (1 + excess), 0.4 * (1 - excess), 1000)
    assert (echo.log2 == 0) == (not is_heard)


def test_each_class_has_a_mean_of_its_own():
    """What is rare and often wrong is no echo."""
    echo, step = Echo(), 100
    for i in range(600):
        label = int(i % 10 == 0)
        missing = 0.8 if label else 0.02
        echo.hear_other(label, i % 10 in (0, 1), round(missing * ONE), round(0.1 * ONE), step)
    assert echo.log2 == 0
    means = echo.mean ^ 0x40004000
    assert (means & 0xFFFF) / 2**15 == pytest.approx(0.02, abs=1e-3)
    assert (means >> 16) / 2**15 == pytest.approx(0.8, abs=0.02)


def test_the_means_of_two_classes_begin_with_a_half_and_have_16_samples():
    echo = Echo()
    echo.hear_other(1, False, ONE // 4, 0, 0)
    means = echo.mean ^ 0x40004000
    assert (means & 0xFFFF, means >> 16) == (2**14, 2**14 - 2**13 // 16)
    assert (echo.log2, echo.count) == (0, 0)


def test_the_change_of_two_classes_is_measured_by_what_is_usual():
    echo = Echo()
    echo.hear_other(0, True, round(0.9 * ONE), round(0.4 * ONE), 0)
    usual = 0.5 * (1 + 0.625 * 0.4)
    expected = (usual - 0.9) / (usual + 1e-4) / 8
    assert echo.log2 / 2**16 == pytest.approx(expected, abs=1e-4)


def test_the_rule_hears_the_other_one_of_two_classes():
    program = lower(read_tflite(classifier(2).build()))
    learner = Learner(program, Recipe(rule="adaptive"))
    x = np.random.default_rng(2).integers(-128, 128, (2, 6, 6, 2))
    learner.train(x[0], 1)
    assert learner.rule.network.echo.log2 == 0
    before = learner.rule.network.echo.mean
    learner.train(x[1], 0)
    echo = learner.rule.network.echo
    assert echo.mean & ~0xFFFF == before & ~0xFFFF
    assert echo.mean & 0xFFFF != before & 0xFFFF
    assert echo.count == 0 and echo.previous == 1
