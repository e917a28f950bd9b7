"""What guards compare, in which unit, and when they look."""

from __future__ import annotations

import numpy as np
import pytest
from learning import LEARNING, noise
from thinned import thinned
from tiny_tflite import ModelBuilder

from edgetune.errors import UsageError
from edgetune.guard import (
    Cost,
    HeldOutGuard,
    RunningGuard,
    SampleLosses,
    Samples,
    held_out_rows,
    is_share,
    share_of,
)
from edgetune.guard.comparison import largely_above, paired, unpaired
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.link.messages import TrainResult
from edgetune.model.read import read_tflite


def test_a_paired_comparison_is_mcnemars():
    ours, theirs = np.array([0, 0, 0, 0, 1, 0, 1.0]), np.array([1, 1, 1, 1, 0, 0, 1.0])
    assert paired(ours, theirs) == pytest.approx((4 - 1) / np.sqrt(4 + 1))
    assert paired(theirs, ours) == -paired(ours, theirs)
    assert paired(ours, ours) == 0.0
    weights = np.array([1, 1, 1, 1, 4, 1, 1.0])  # of a class that is a quarter of the others
    assert paired(ours, theirs, weights) == pytest.approx((4 - 4) / np.sqrt(4 + 16))


def test_losses_of_other_samples_are_compared_by_their_spread():
    random = np.random.default_rng(1)
    low, high = random.normal(1, 1, 400), random.normal(1.5, 1, 100)
    expected = (high.mean() - low.mean()) / np.sqrt(low.var() / 400 + high.var() / 100)
    assert unpaired(low, high) == pytest.approx(expected) and expected > 3
    ones, zeros = np.ones(20), np.zeros(20)
    assert unpaired(ones, zeros) == -np.inf and unpaired(zeros, zeros) == 0.0


def test_what_is_large():
    assert largely_above(np.array([0.3]), np.array([0.15]), shares=True)
    assert not largely_above(np.array([0.3]), np.array([0.25]), shares=True)
    assert largely_above(np.array([3.2]), np.array([2.0]), shares=False)
    assert not largely_above(np.array([2.8]), np.array([2.0]), shares=False)


@pytest.mark.parametrize("name", thinned(LEARNING, 3))
def test_a_forward_pass_and_a_step_give_one_loss(name):
    builder, recipe = LEARNING[name][0](), Recipe(**LEARNING[name][1])
    program = lower(read_tflite(builder.build()), recipe.loss_choice)
    data, losses = noise(builder, program.loss), SampleLosses(program)
    for x, y in list(zip(data.tune_x, data.tune_y))[:6]:
        learner = Learner(program, recipe)
        output = learner.forward(x)
        target = None if losses.kind == "input" else y
        step = learner.train(x, target)
        ours = losses.of_step(TrainResult(step.prediction, step.draws, step.measure, 0), y)
        rounding = 1 / 256 if program.logits != program.output else 0
        assert losses.of_output(output, x, y) == pytest.approx(ours, abs=rounding)
        assert losses.shares == (0 <= ours <= 1 and losses.kind in ("class", "labels"))


def of_classes() -> SampleLosses:
    model = ModelBuilder((1, 8), seed=2).dense(10, activation="RELU").dense(4).softmax()
    return SampleLosses(lower(read_tflite(model.build())))


def test_the_best_answer_without_a_look():
    losses, y = of_classes(), np.array([2, 2, 1, 2, 0])
    samples = Samples(np.zeros((5, 8), np.int8), y, np.arange(5))
    np.testing.assert_array_equal(losses.of_constant(samples), [0, 0, 1, 0, 1])
    np.testing.assert_allclose(losses.weights(samples), [1 / 3, 1 / 3, 1, 1 / 3, 1])
    assert losses.one_sided(samples[:2]) and not losses.one_sided(samples[:3])
    builder, recipe = LEARNING["regression"][0](), Recipe()
    program = lower(read_tflite(builder.build()), recipe.loss_choice)
    loss, steps = program.loss, np.array([[0], [4], [40]])
    y = loss.scale * (steps - loss.zero_point)
    values = Samples(np.zeros((3, 12), np.int8), y, np.arange(3))
    found = SampleLosses(program).of_constant(values)  # from the median
    np.testing.assert_allclose(found, [4, 0, 36], atol=1 / 128)


@pytest.mark.parametrize(("held", "share"), [(100, 0.15), (400, 0.3), (30, 0.02)])
def test_looks_cost_at_most_a_tenth_of_a_run(held, share):
    steps = 20_000
    samples = Samples(np.zeros((held, 8)), np.arange(held) % 4, np.arange(held))
    guard = HeldOutGuard(None, of_classes(), samples, steps, share)
    assert guard.spans[0][0] == 0 and guard.spans[-1][1] == steps
    between = [first for first, _ in guard.spans[1:]]
    assert len(between) >= 3
    assert len(between) * held * share <= steps / 10 and len(between) * held <= steps
    short = HeldOutGuard(None, of_classes(), samples, 40, share)
    assert [last for _, last in short.spans] == [10, 20, 30, 40]


def test_windows_of_the_running_error():
    samples = Samples(None, np.zeros(1000), np.arange(1000))
    spans = RunningGuard(None, of_classes(), samples).spans
    assert [last - first for first, last in spans] == [62] * 15 + [70]
    assert RunningGuard(None, of_classes(), samples[:99]).spans == [(0, 99)]
    assert RunningGuard(None, of_classes(), samples[:100]).spans[:2] == [(0, 20), (20, 40)]


class TwoWeights:
    """A desk whose device had a share of the last samples wrong at first: ``wrong_at_first``."""

    cost = Cost()

    def __init__(self, wrong_at_first: int):
        self.wrong_at_first, self.present = wrong_at_first, b"start"

    def state(self) -> bytes:
        return self.present

    def restore(self, state: bytes) -> None:
        self.present = state

    def losses(self, samples: Samples) -> np.ndarray:
        """Those that are wrong at first are others than those that are wrong in the end."""
        return (np.arange(len(samples)) >= len(samples) - self.wrong_at_first).astype(float)


@pytest.mark.parametrize(("wrong_at_first", "kept"), [(19, "start"), (20, "start"), (21, "last")])
def test_weights_that_were_no_better_at_the_end_are_given_up_for_the_first(wrong_at_first, kept):
    desk, rows = TwoWeights(wrong_at_first), np.arange(200)
    guard = RunningGuard(desk, of_classes(), Samples(None, rows % 4, rows))
    guard.begin()
    desk.present = b"learnt"
    wrong = (rows % 100 < 20).astype(float)  # 20 of the last 100
    for first, last in guard.spans:
        assert guard.after(last, wrong[first:last])
    outcome = guard.end()
    assert outcome.kept == kept and not outcome.falls
    assert desk.present == {"start": b"start", "last": b"learnt"}[kept]
    assert bool(outcome.advice) == (kept == "start")


def test_what_is_held_out():
    y = np.arange(500) % 5
    tuned, held = held_out_rows(y, "class", 0.1, seed=3)
    assert len(held) == 50 and not np.intersect1d(tuned, held).size
    np.testing.assert_array_equal(np.bincount(y[held]), [10] * 5)
    np.testing.assert_array_equal(held, held_out_rows(y, "class", 0.1, seed=3)[1])
    assert (held != held_out_rows(y, "class", 0.1, seed=4)[1]).any()
    assert len(held_out_rows(y[:60], "class", 0.1, seed=3)[1]) == 20
    assert len(held_out_rows(np.zeros((9000, 2)), "values", 0.5, seed=3)[1]) == 400
    assert held_out_rows(y[:39], "class", 0.5, seed=3) is None


@pytest.mark.parametrize("guard", ["0", "0.6", "nan", -1])
def test_shares_that_are_none(guard):
    assert is_share(guard) and not is_share("clean.npz")
    with pytest.raises(UsageError, match="no share"):
        share_of(guard)
