"""Inputs that are constants: the file with them computes what the file computes when it is fed
their values."""

from __future__ import annotations

import numpy as np
import pytest
import tflite
from float_builder import FloatBuilder
from tflite_runs import run_in_tflite
from tiny_tflite import ModelBuilder

from edgetune.errors import UsageError
from edgetune.floats.engine import FloatEngine
from edgetune.floats.read import read_float
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.constant_inputs import pairs_of, with_constants
from edgetune.model.encode import encode
from edgetune.model.read import read_tflite
from edgetune.model.write import read_weights, write_weights

VALUES = np.array([-128, 90, 3, -20, 127], np.int8)
SCALE, ZERO_POINT = 1 / 90, -20


def direct(b: ModelBuilder) -> ModelBuilder:
    """The second input is an operand of an ADD."""
    image = b.save()
    return b.another_input("gain", (1, 5), SCALE, ZERO_POINT).join("ADD", image).dense(4)


def behind_layers(b: ModelBuilder) -> ModelBuilder:
    """It goes through layers of its own first: a dense one, a view and a table."""
    image = b.save()
    b.another_input("gain", (1, 5), SCALE, ZERO_POINT).dense(5, "RELU").reshape((1, 1, 5))
    b.unary("TANH", scale=1 / 128, zero_point=0).reshape((1, 5))
    return b.join("MUL", image).dense(4)


def as_image(b: ModelBuilder) -> ModelBuilder:
    """It is an image that is convolved."""
    image = b.save()
    b.another_input("gain", (1, 1, 5, 1), SCALE, ZERO_POINT).conv(5, 3).mean()
    return b.join("ADD", image).dense(4)


def built(end) -> ModelBuilder:
    return end(ModelBuilder((1, 6, 6, 2), 1 / 40, 3, seed=1).conv(5, 3, activation="RELU").mean())


@pytest.mark.parametrize("end", [direct, behind_layers, as_image])
def test_outputs_are_those_of_the_file_that_is_fed_the_values(end):
    b = built(end)
    x, image = b.random_inputs(20, seed=2), (20, 1, 6, 6, 2)
    x[..., 72:] = VALUES
    shape = b.tensors[b.inputs[1]].shape
    fixed = with_constants(b.build(), {"gain": VALUES.reshape(shape)})
    graph = read_tflite(fixed)
    assert graph.input.shape == (1, 6, 6, 2) and graph.input_names == ["input"]
    theirs = run_in_tflite(b.build(), x)[0].reshape(20, -1)
    x = x[..., :72].reshape(image)
    np.testing.assert_array_equal(run_in_tflite(fixed, x)[0].reshape(20, -1), theirs)
    program = lower(graph)
    assert len(program.weighted_layers) == 2  # nothing learns behind a constant
    learner = Learner(program, Recipe(("none",)))
    np.testing.assert_array_equal([learner.forward(one) for one in x], theirs)


def test_a_tuned_file_keeps_the_constants():
    graph = read_tflite(built(direct).build(), inputs={"gain": 0.5})
    place = (graph.operators[-1].index, 1)
    tuned = read_tflite(write_weights(graph, {place: read_weights(graph, place) ^ 1}))
    assert tuned.input_names == ["input"]
    gain = next(t for t in tuned.tensors if t.name == "gain")
    assert set(gain.values.reshape(-1).tolist()) == {25}  # 0.5 / (1 / 90) - 20


@pytest.mark.parametrize("value, stored", [
    (0.5, [25] * 5), (np.float32([[0, 0.1, -0.1, 9, -9]]), [-20, -11, -29, 127, -128]),
    (VALUES, VALUES.tolist()), (np.int8(4), [4] * 5),
])
def test_real_values_are_quantised_and_the_inputs_own_integers_stay(value, stored):
    graph = read_tflite(built(direct).build(), inputs={"gain": value})
    assert next(t for t in graph.tensors if t.name == "gain").values.reshape(-1).tolist() == stored


def floats():
    """A float model whose second input goes through a layer."""
    b = FloatBuilder((1, 6, 6, 2), seed=3)
    gain = b.dense(b.another_input("gain", (1, 7)), 5, fused="RELU")
    x = b.both("ADD", b.mean(b.conv(b.input, 5, 3, fused="RELU")), gain)
    return b, b.graph(b.dense(x, 4))


def test_a_float_file(tmp_path):
    b, graph = floats()
    x, values = b.samples(8), np.linspace(-1, 1, 7, dtype=np.float32)
    x[:, 72:] = values
    np.save(tmp_path / "gain.npy", values)
    fixed = with_constants(encode(graph), pairs_of(f"gain={tmp_path / 'gain.npy'}"))
    found = read_float(fixed)
    assert "FULLY_CONNECTED" not in [op.kind for op in found.operators][:-1]
    expected = FloatEngine(graph).run(x)
    image = x[:, :72].reshape(8, 6, 6, 2)
    np.testing.assert_allclose(FloatEngine(found).run(image), expected, rtol=1e-5, atol=1e-6)
    signature = tflite.Model.GetRootAs(fixed, 0).SignatureDefs(0)
    assert [signature.Inputs(i).Name() for i in range(signature.InputsLength())] == [b"input"]


@pytest.mark.parametrize("given, said", [
    ({"gian": 1}, "no input 'gian'"), ("gain", "says of no input"), ("gain=", "says of no input"),
    ("gain=1,gain=2", "given twice"), ({"gain": 1, "input": 0}, "All inputs"),
    ({"gain": np.zeros(4)}, "shape (4,)"), ({"gain": "absent.npy"}, "cannot be read"),
    ({"gain": np.nan}, "cannot be 'nan'"), ({"gain": np.array(["x"])}, "cannot be"),
])
def test_what_does_not_suit_the_model_is_refused(given, said):
    with pytest.raises(UsageError) as caught:
        read_tflite(built(direct).build(), inputs=given)
    error = caught.value
    assert said in error.message and error.cause and error.next_step


def test_how_inputs_are_written():
    pairs = (("a", 1.0), ("b", "b.npy"))
    assert pairs_of("a=1, b=b.npy") == pairs_of(["a=1", "b=b.npy"]) == pairs
    assert pairs_of({"a": 1.0, "b": "b.npy"}) == pairs_of(pairs) == pairs
    assert pairs_of(()) == ()
