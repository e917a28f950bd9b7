"""The builder of test models: what it builds loads and runs in TFLite's reference kernels."""

import numpy as np
import pytest
from tflite_runs import run_in_tflite
from thinned import thinned
from tiny_tflite import ModelBuilder

pytest.importorskip("tflite_runtime", reason="tflite_runtime is not installed")

CHAINS = {
    "conv same stride 2": lambda m: m.conv(6, 3, stride=2, activation="RELU"),
    "conv valid per tensor": lambda m: m.conv(4, (3, 2), padding="VALID", per_channel=False),
    "conv relu6": lambda m: m.conv(4, 1, activation="RELU6"),
    "depthwise no bias": lambda m: m.depthwise(3, bias=False),
    "depthwise": lambda m: m.depthwise(3, activation="RELU"),
    "depthwise multiplier": lambda m: m.depthwise((2, 3), stride=(2, 1), multiplier=3),
    "depthwise per tensor": lambda m: m.depthwise(3, padding="VALID", per_channel=False),
    "dense": lambda m: m.dense(5, activation="RELU").dense(4),
    "dense no bias": lambda m: m.dense(5, bias=False),
    "pools": lambda m: m.max_pool(2).average_pool(3, stride=1, padding="SAME"),
    "uneven pool": lambda m: m.max_pool((3, 2), stride=(2, 3), padding="SAME"),
    "mean": lambda m: m.mean(),
    "mean same scale": lambda m: m.mean(keep_dims=True, same_scale=True),
    "pad": lambda m: m.pad(1, 2, 0, 3).conv(4, 3, padding="VALID"),
    "classifier": lambda m: m.conv(8, 3).max_pool(2).reshape((1, -1)).dense(5).softmax(),
}


@pytest.mark.parametrize("name", thinned(CHAINS, 5))
def test_output_agrees_with_the_float_estimate(name):
    model = ModelBuilder((1, 7, 9, 3), input_scale=0.03, input_zero_point=-20, seed=3)
    CHAINS[name](model)
    outputs = run_in_tflite(model.build(), model.random_inputs(16, seed=3))
    spec = model.tensors[model.current]
    assert outputs[0].shape[1:] == spec.shape
    real = (outputs[0][:, 0].astype(float) - spec.zero_point[0]) * spec.scale[0]
    assert np.abs(real - model._probe).max() <= 8 * spec.scale[0]
    assert np.ptp(outputs[0].astype(int)) > 30


def test_every_activation_can_be_exposed():
    model = ModelBuilder((1, 4, 4, 2)).conv(3, 3).mean().dense(2)
    outputs = run_in_tflite(model.build(expose_all=True), model.random_inputs(2))
    assert [o.shape[1:] for o in outputs] == [(1, 4, 4, 3), (1, 3), (1, 2)]


def test_old_operator_codes_give_the_same_outputs():
    model = ModelBuilder((1, 4, 4, 2)).conv(3, 3).mean().dense(2)
    inputs = model.random_inputs(3)
    new, old = (run_in_tflite(model.build(old_codes=o), inputs)[0] for o in (False, True))
    assert np.array_equal(new, old)


def test_the_seed_decides_the_content():
    def build(seed):
        return ModelBuilder((1, 4), seed=seed).dense(2).build()

    assert build(1) == build(1)
    assert build(1) != build(2)
