"""The reference's forward pass against tflite-runtime's reference kernels, byte for byte."""

import numpy as np
import pytest
from shared_data import digits, load_task, reference_outputs
from tflite_runs import run_in_tflite
from thinned import quick, thinned
from tiny_tflite import ModelBuilder

from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite

NETWORKS = {
    "conv stride 2": lambda b: b.conv(6, 3, 2, activation="RELU").conv(5, (1, 3), (2, 1)),
    "conv valid": lambda b: b.conv(6, (2, 3), padding="VALID", activation="RELU6"),
    "conv per tensor": lambda b: b.conv(7, 3, per_channel=False),
    "depthwise": lambda b: b.depthwise(3, activation="RELU").depthwise(3, 2, multiplier=3),
    "padded conv": lambda b: b.pad(2, 1, 0, 3).conv(4, 3, padding="VALID", activation="RELU"),
    "padded pool": lambda b: b.pad(1, 1, 1, 1).max_pool(3, 2),
    "max pool": lambda b: b.max_pool(3, 2, "SAME", activation="RELU"),
    "average pool": lambda b: b.average_pool(3, 2, "SAME").average_pool(2, 1, activation="RELU6"),
    "mean": lambda b: b.conv(8, 3).mean(),
    "mean kept": lambda b: b.conv(8, 3).mean(keep_dims=True).conv(4, 1),
    "mean same scale": lambda b: b.conv(8, 3).mean(same_scale=True),
    "dense": lambda b: b.dense(20, "RELU").dense(9, per_channel=True),
    "dense without bias": lambda b: b.dense(20, "RELU6", bias=False),
    "reshaped": lambda b: b.reshape((1, 7, 9, 3)).conv(3, 3).reshape((1, 189)),
}


def outputs_of(graph, inputs) -> np.ndarray:
    learner = Learner(lower(graph), Recipe())
    return np.array([learner.forward(x) for x in inputs])


@pytest.mark.parametrize("zero_point", quick([0, -128, 127, 19], [19]))
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_networks(network, zero_point):
    builder = ModelBuilder((1, 9, 7, 3), 1 / 40, zero_point, seed=zero_point + 128)
    content = network(builder).dense(4).build()
    inputs = builder.random_inputs(20, seed=1)
    theirs = run_in_tflite(content, inputs)[0].reshape(len(inputs), -1)
    np.testing.assert_array_equal(outputs_of(read_tflite(content), inputs), theirs)


@pytest.mark.parametrize("network", [
    lambda b: b.conv(6, 3), lambda b: b.depthwise(3), lambda b: b.dense(5, per_channel=True),
], ids=["conv", "depthwise", "dense"])
def test_the_scale_that_a_bias_states_does_not_count(network):
    builder = network(ModelBuilder((1, 9, 7, 3), 1 / 40, 3, seed=2))
    bias = next(t for t in builder.tensors if t.dtype == "int32")
    bias.scale = 7 * np.array(bias.scale)
    content, inputs = builder.build(), builder.random_inputs(20, seed=1)
    theirs = run_in_tflite(content, inputs)[0].reshape(len(inputs), -1)
    np.testing.assert_array_equal(outputs_of(read_tflite(content), inputs), theirs)


@pytest.mark.parametrize("classes", thinned([2, 10, 300], 4))
@pytest.mark.parametrize("gain", [0.02, 0.3, 3.0])
def test_softmax(classes, gain):
    builder = ModelBuilder((1, 16), gain, seed=classes)
    content = builder.dense(classes).softmax().build()
    inputs = builder.random_inputs(200, seed=2)
    theirs = run_in_tflite(content, inputs)[0].reshape(len(inputs), -1).astype(int)
    difference = np.abs(outputs_of(read_tflite(content), inputs) - theirs)
    # TFLite's own sum is in float32: a value on the edge of two may fall to either side.
    assert difference.max() <= 1 and (difference > 0).mean() < 1e-4


@pytest.mark.parametrize("network", [
    lambda b: b.conv(5, 3).softmax(0.7),
    lambda b: b.conv(5, 3).softmax().reshape((1, -1)),
    lambda b: b.conv(5, 3).reshape((1, 18, 10)).softmax(2.0),
    lambda b: b.mean().dense(6).softmax().reshape((1, 2, 3)).reshape((1, 6)),
], ids=["map", "map, flat", "sequence", "vector, reshaped"])
def test_softmax_over_vectors(network):
    builder = network(ModelBuilder((1, 6, 6, 2), 0.3, seed=4))
    content, inputs = builder.build(), builder.random_inputs(100, seed=2)
    theirs = run_in_tflite(content, inputs)[0].reshape(len(inputs), -1).astype(int)
    difference = np.abs(outputs_of(read_tflite(content), inputs) - theirs)
    assert difference.max() <= 1 and (difference > 0).mean() < 1e-3
    assert np.ptp(theirs) > 100


def test_softmax_before_the_end():
    """Half the scale behind it: what TFLite rounds to the other side is rounded again."""
    builder = ModelBuilder((1, 6, 6, 2), 0.3, seed=4).conv(5, 3).softmax().conv(3, 1)
    content, inputs = builder.build(), builder.random_inputs(100, seed=2)
    theirs = run_in_tflite(content, inputs)[0].reshape(len(inputs), -1).astype(int)
    difference = np.abs(outputs_of(read_tflite(content), inputs) - theirs)
    assert (difference > 0).mean() < 1e-2 and np.ptp(theirs) > 20


@pytest.mark.parametrize("name", thinned(["digits", "har", "mnist", "kws"], 4))
def test_real_models(name):
    task = digits() if name == "digits" else load_task(name)
    inputs = task.data.test_x[:50]
    theirs = reference_outputs(task.graph, inputs)
    np.testing.assert_array_equal(outputs_of(task.graph, inputs), theirs)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["har", "mnist", "kws"])
def test_real_models_in_full(name):
    task = load_task(name)
    theirs = reference_outputs(task.graph, task.data.test_x)
    np.testing.assert_array_equal(outputs_of(task.graph, task.data.test_x), theirs)
