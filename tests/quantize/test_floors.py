"""Networks of next to nothing (untrained, zero-initialised, dead) convert to files that TFLite
runs, and that give there what they give here."""

import numpy as np
import pytest
from float_builder import FloatBuilder
from thinned import quick, thinned
from tiny_tflite import ModelBuilder

from edgetune.errors import ModelError
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.model.runtime import Runtime
from edgetune.quantize.convert import convert

SCALES = quick([0.0, 1e-38, 1e-9, 1.0, 1e-30, 1e-12, 1e-6, 1e2], [1e-38, 1.0])
OTHERS = (0.0, 1.0), (1e-30, 1.0), (1.0, 1.0), (0.0, 0.0)  # of biases and of inputs


def scaled(b: FloatBuilder, weights: float, biases: float) -> None:
    for tensor in b.tensors:
        if tensor.data is not None and tensor.data.dtype == np.float32:
            tensor.data *= np.float32(biases if tensor.data.ndim == 1 else weights)


def ends_in(kind, beta=1.0):
    def build(b: FloatBuilder) -> int:
        options = {"beta": beta} if kind == "SOFTMAX" else {}
        return b.add(kind, b.dense(b.conv(b.input, 4, 3, fused="RELU"), 3), **options)
    return build


def residual(b: FloatBuilder) -> int:
    x = b.depthwise(b.conv(b.input, 4, 3, fused="RELU6"), 3, fused="RELU")
    y = b.conv(x, 4, 1)
    x = b.both("MUL", b.both("SUB", b.both("ADD", x, y), y), x)
    return b.dense(b.mean(b.concat([x, y])), 3)


def functions(b: FloatBuilder) -> int:
    x = b.add("HARD_SWISH", b.conv(b.input, 4, 3))
    x = b.add("RELU6", b.conv(x, 4, 1))
    return b.dense(b.add("LEAKY_RELU", b.dense(x, 5), alpha=0.2), 3)


NETWORKS = {
    "softmax": ends_in("SOFTMAX"), "cold softmax": ends_in("SOFTMAX", 1e-3),
    "sigmoid": ends_in("LOGISTIC"), "tanh": ends_in("TANH"),
    "residual": residual, "functions": functions,
}  # fmt: skip
ROUNDED = ("softmax", "cold softmax", "sigmoid", "tanh")  # float in TFLite: one step off at most


def outputs(content: bytes, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """TFLite's and ours."""
    pytest.importorskip("tflite_runtime", reason="tflite-runtime is for Python up to 3.11")
    learner = Learner(lower(read_tflite(content)), Recipe(("none",)))
    ours = np.array([learner.forward(sample) for sample in x])
    return Runtime.of(content).run(x).reshape(len(x), -1), ours


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("weights", SCALES)
@pytest.mark.parametrize("others", thinned(OTHERS, 3), ids=str)
def test_a_network_of_any_size_runs_in_tflite(name, weights, others):
    biases, inputs = others
    b = FloatBuilder((1, 5, 5, 2), seed=3)
    graph = b.graph(NETWORKS[name](b))
    scaled(b, weights, biases)
    content = convert(graph, b.samples(8) * np.float32(inputs)).content
    x = np.random.default_rng(0).integers(-128, 128, (16, 5, 5, 2)).astype(np.int8)
    theirs, ours = outputs(content, x)
    assert np.abs(theirs.astype(int) - ours).max() <= (name in ROUNDED)


@pytest.mark.parametrize("bias", [-1.0, -1e4])
def test_a_layer_that_is_always_dead_keeps_its_sums_in_32_bits(bias):
    b = FloatBuilder((1, 5, 5, 2), seed=3)
    graph = b.graph(b.dense(b.conv(b.input, 4, 3, fused="RELU"), 3))
    first = next(t for t in b.tensors if t.data is not None and t.data.shape == (4,))
    first.data[:] = bias
    samples = b.samples(8) * np.float32(0.01)
    x = np.random.default_rng(0).integers(-128, 128, (16, 5, 5, 2)).astype(np.int8)
    theirs, ours = outputs(convert(graph, samples).content, x)
    assert (theirs == ours).all()


@pytest.mark.parametrize("fused", [True, False])
def test_a_scale_that_has_no_six_is_refused(fused):
    b = ModelBuilder((1, 6), input_scale=2.0**-29)
    b.dense(4, activation="RELU6") if fused else b.unary("RELU6", scale=2.0**-29)
    if fused:
        b.tensors[b.current].scale[:] = 2.0**-29
    with pytest.raises(ModelError) as error:
        read_tflite(b.build())
    assert "6 is no int32" in error.value.cause


def test_a_softmax_on_which_tflite_aborts_has_outputs_here():
    content = ModelBuilder((1, 6), input_scale=1e-20).softmax().build()
    learner = Learner(lower(read_tflite(content)), Recipe(("none",)))
    assert set(learner.forward(np.arange(6, dtype=np.int8)[None])) == {-85}
