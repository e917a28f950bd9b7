"""Live rectifiers are counted, and a layer that lost a large part of them is named."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_tflite import ModelBuilder

from edgetune.cli.show_guard import rectifier_words
from edgetune.guard import Outcome, Rectified, Samples, compare_rectifiers
from edgetune.guard.rectifiers import LOOKED_AT
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite

DEEP = -(2**24)  # a bias below which no sum gets


def network(activation: str):
    """A rectified convolution of 8 channels, by itself or fused, a pool, and a dense layer that
    is not rectified."""
    b = ModelBuilder((1, 6, 6, 2), 1 / 40, -7, seed=8)
    if activation == "alone":
        b.conv(8, 3).unary("RELU")
    else:
        b.conv(8, 3, activation=activation)
    return lower(read_tflite(b.max_pool(2).dense(5).softmax().build()))


def samples(count: int = 200) -> Samples:
    x = ModelBuilder((1, 6, 6, 2)).random_inputs(count, seed=3)[:, 0]
    return Samples(x, np.zeros(count, int), np.arange(count))


@pytest.mark.parametrize("activation", ["RELU", "RELU6", "alone"])
def test_channels_that_are_zero_for_every_sample_do_not_answer(activation):
    before, after = (Learner(network(activation), Recipe()) for _ in range(2))
    for learner in (before, after):
        learner.trained[0].bias[:] = 2**12  # all of them answer
    after.trained[0].bias[[1, 2, 5]] = DEEP
    (found,) = compare_rectifiers(before, [after], samples())
    assert (found.channels, found.before, found.after, found.fell) == (8, 8, 5, False)
    after.trained[0].bias[[0, 3]] = DEEP
    (found,) = compare_rectifiers(before, [after], samples())
    assert (found.before, found.after, found.fell) == (8, 3, True)
    assert compare_rectifiers(before, [after, before], samples())[0] == found  # the fewest


def test_an_answer_to_one_of_the_samples_looked_at_is_enough():
    learner, x = Learner(network("RELU"), Recipe()), np.full((100, 6, 6, 2), -7, np.int8)
    learner.trained[0].bias[:] = -1000
    x[12] = samples(1).x[0]  # one of every fourth
    (found,) = compare_rectifiers(learner, [learner], Samples(x, np.zeros(100), np.arange(100)))
    assert found.before == found.after > 0
    x[12], x[13] = x[13], x[12].copy()
    (found,) = compare_rectifiers(learner, [learner], Samples(x, np.zeros(100), np.arange(100)))
    assert found.before == 0 and not found.fell


def test_few_samples_are_run(monkeypatch):
    learner, runs = Learner(network("RELU"), Recipe()), []
    forward = learner.forward
    monkeypatch.setattr(learner, "forward", lambda x: runs.append(1) or forward(x))
    compare_rectifiers(learner, [learner], samples(10 * LOOKED_AT + 1))
    assert 2 * (LOOKED_AT - 4) < len(runs) <= 2 * LOOKED_AT
    assert compare_rectifiers(learner, [learner], samples(0)) == ()


def test_what_fell_is_said():
    layers = [Rectified("conv_2d_2", 64, 60, 3), Rectified("conv_2d_0", 16, 15, 9)]
    assert rectifier_words(layers, Outcome("none"))[0] == (
        "Layer conv_2d_2: 3 of 64 channels answer, 60 did at the start."
    )
    assert len(rectifier_words(layers, Outcome("none"))) == 2
    assert "meanwhile" in rectifier_words(layers, Outcome("running", "start"))[0]
    assert rectifier_words(layers[1:], Outcome("none")) == []
    assert not Rectified("dense", 8, 3, 0).fell  # too few to say so
