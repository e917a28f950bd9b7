"""Channels without weights whose bias is near the end of 32 bits, as TensorFlow wrote them: each
row is bounded by what it can reach."""

import numpy as np
import pytest
from cli_runner import BOARD, edgetune, refused
from tflite_runs import run_in_tflite
from thinned import thinned
from tiny_tflite import ModelBuilder
from written import written

from edgetune.errors import ModelError
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.learn.widths import check_widths
from edgetune.model.read import read_tflite

DEAD = 2**30 + 128
STEPS = 6


def network(bias=DEAD, weights=0) -> ModelBuilder:
    """A convolution and a depthwise one of which a channel has ``weights`` and ``bias``."""
    model = ModelBuilder((1, 6, 6, 2), seed=8).conv(4, 3, activation="RELU")
    model.depthwise(3, activation="RELU").mean().dense(3)
    for operator, channel in ((0, (1,)), (1, (..., 2))):
        _, w, b = model.operators[operator].inputs
        model.tensors[w].data[channel] = weights
        model.tensors[b].data[channel[-1]] = bias
    return model


@pytest.mark.parametrize("bias", [DEAD, -DEAD])
@pytest.mark.parametrize("layers", thinned([("all",), ("biases",), ("last",)], 2))
def test_a_dead_channel_runs_and_what_lives_learns(bias, layers):
    model = network(bias)
    graph = read_tflite(model.build())
    program, x = lower(graph), model.random_inputs(8, seed=1)
    check_widths(program, Recipe(layers).trained(program), layers != ("biases",))
    learner = Learner(program, Recipe(layers))
    theirs = run_in_tflite(graph.content, x)[0].reshape(8, -1)
    assert np.array_equal([learner.forward(one) for one in x], theirs)
    before = learner.digest()
    for i in range(STEPS):
        learner.train(x[i], learner.program.loss.any_target(i))
    assert learner.digest() != before
    theirs = run_in_tflite(written(graph, learner), x)[0].reshape(8, -1)
    assert np.array_equal([learner.forward(one) for one in x], theirs)


@pytest.mark.parametrize("bias, weights, fits", [
    (2**31 - 1, 0, True), (-(2**31) + 1, 0, True),
    (2**31 - 1 - 255 * 18 * 127, 127, True), (2**31 - 255 * 18 * 127, 127, False),
    (-(2**31), 0, False),
])
def test_a_row_is_bounded_by_its_own_weights(bias, weights, fits):
    """|bias| + 255 * sum |w| < 2^31; the first layer's rows have 18 weights."""
    model = network()
    _, w, b = model.operators[0].inputs
    model.tensors[w].data[1] = weights
    model.tensors[b].data[1] = bias
    program = lower(read_tflite(model.build()))
    if fits:
        check_widths(program, [])
        return
    with pytest.raises(ModelError, match="too large for 32-bit sums"):
        check_widths(program, [])


@pytest.mark.thorough
def test_what_plan_refuses_inspect_says(tmp_path):
    model = network(-(2**31))
    (tmp_path / "m.tflite").write_bytes(model.build())
    said = [refused(*verb)["message"] for verb in (
        ("plan", tmp_path / "m.tflite", "--board", BOARD), ("inspect", tmp_path / "m.tflite"),
        ("inspect", tmp_path / "m.tflite", "--board", BOARD),
    )]
    assert set(said) == {"conv_2d_0 is too large for 32-bit sums."}
    (tmp_path / "m.tflite").write_bytes(network().build())
    assert edgetune("inspect", tmp_path / "m.tflite").code == 0
