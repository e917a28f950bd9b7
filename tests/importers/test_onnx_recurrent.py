"""Recurrent layers of ONNX, written out step by step, compute what ONNX's reference does."""

import numpy as np
import pytest
from thinned import thinned

pytest.importorskip("onnx", reason="the package onnx is not installed (edgetune[onnx])")

import onnx  # noqa: E402
from onnx_builder import answers, kinds, model, node, scalar  # noqa: E402

from edgetune.errors import ModelError  # noqa: E402
from edgetune.importers.onnx.read import read_onnx  # noqa: E402
from edgetune.quantize.convert import convert  # noqa: E402

RANDOM = np.random.default_rng(5)
STEPS, FEATURES, UNITS = 5, 3, 2
SHAPE = (1, STEPS, FEATURES)
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def weights(*shape):
    return RANDOM.normal(0, 0.5, shape).astype(np.float32)


def parameters(kind, directions=1):
    rows = GATES[kind] * UNITS
    return {"w": weights(directions, rows, FEATURES), "r": weights(directions, rows, UNITS),
            "b": weights(directions, 2 * rows)}


def layer(kind, operands, output, **attributes):
    return node(kind, operands, output, hidden_size=UNITS, **attributes)


TIME_FIRST = node("Transpose", "x", "t", perm=[1, 0, 2])
BY_ROW = [node("Reshape", "a row", "y")]
CASES = {
    "LSTM": ("LSTM", {}), "GRU": ("GRU", {}),
    "GRU of PyTorch": ("GRU", {"linear_before_reset": 1}),
    "RNN": ("RNN", {}),  # of Relu, which the reference lacks, among the files of PyTorch
}


@pytest.mark.parametrize("outputs", ["a", "- a"])
@pytest.mark.parametrize("case", thinned(CASES, 2))
def test_every_step_and_the_last_state(case, outputs):
    kind, attributes = CASES[case]
    outputs = outputs.replace("-", "every")
    nodes = [TIME_FIRST, layer(kind, "t w r b", outputs, **attributes), *BY_ROW]
    content = model(nodes, SHAPE, parameters(kind) | {"row": (1, -1)})
    ours, theirs, graph = answers(content)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert kinds(graph).count("CONCATENATION") == (outputs == "a")
    assert kinds(graph).count("FULLY_CONNECTED") >= STEPS  # one for the input, one a step behind


@pytest.mark.parametrize("kind", thinned(GATES, 3))
def test_two_directions_are_two_layers(kind):
    """The reference has one direction only: the other one reads and gives the steps backwards."""
    both = parameters(kind, 2)
    one = {f"{name}{i}": values[i : i + 1] for name, values in both.items() for i in (0, 1)}
    flip = {"last": (-1,), "before": (-(2**31),), "zero": (0,), "back": (-1,)}
    nodes = [
        TIME_FIRST, layer(kind, "t w0 r0 b0", "a0"),
        node("Slice", "t last before zero back", "u"), layer(kind, "u w1 r1 b1", "c"),
        node("Slice", "c last before zero back", "a1"), node("Concat", "a0 a1", "a", axis=1),
        *BY_ROW,
    ]
    reference = model(nodes, SHAPE, one | flip | {"row": (1, -1)})
    nodes = [TIME_FIRST, layer(kind, "t w r b", "a", direction="bidirectional"), *BY_ROW]
    content = model(nodes, SHAPE, both | {"row": (1, -1)})
    ours, theirs, _ = answers(content, reference)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_the_last_step_of_all_is_taken_without_joining_them():
    nodes = [TIME_FIRST, layer("LSTM", "t w r b", "a"), node("Gather", "a last", "c", axis=0),
             node("Reshape", "c row", "y")]
    constants = parameters("LSTM") | {"last": np.array(-1), "row": (1, -1)}
    ours, theirs, graph = answers(model(nodes, SHAPE, constants))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert "CONCATENATION" not in kinds(graph) and "GATHER" not in kinds(graph)


def test_many_steps_are_joined_in_groups():
    nodes = [TIME_FIRST, layer("RNN", "t w r b", "a"), *BY_ROW]
    content = model(nodes, (1, 70, FEATURES), parameters("RNN") | {"row": (1, -1)})
    ours, theirs, graph = answers(content, count=1)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert kinds(graph).count("CONCATENATION") == 3


def test_a_layer_in_int8_is_close_to_that_in_float():
    nodes = [TIME_FIRST, layer("GRU", "t w r b", "e a", linear_before_reset=1), *BY_ROW]
    graph = read_onnx(model(nodes, SHAPE, parameters("GRU") | {"row": (1, -1)}))
    samples = RANDOM.normal(0, 1, (40, STEPS, FEATURES)).astype(np.float32)
    assert convert(graph, samples).report.layers[-1].sqnr_db > 20


@pytest.mark.parametrize("scales", [1, 4 * UNITS])
def test_an_lstm_of_dynamic_quantisation_is_one_of_real_weights(scales):
    real = parameters("LSTM")
    given, quantised = {"b": real["b"], "row": (1, -1)}, {}
    for name in "wr":
        integers = RANDOM.integers(-100, 101, real[name].shape).astype(np.int8)
        scale = RANDOM.uniform(0.002, 0.01, (1, scales)).astype(np.float32)
        zero = RANDOM.integers(-5, 6, (1, scales)).astype(np.int8)
        real[name] = (integers - zero.astype(np.float32)[:, :, None]) * scale[:, :, None]
        squeezed = (1,) if scales == 1 else scale.shape
        quantised |= {name: integers.transpose(0, 2, 1), f"{name}s": scale.reshape(squeezed),
                      f"{name}z": zero.reshape(squeezed)}
    nodes = [TIME_FIRST, layer("LSTM", "t w r b", "a"), *BY_ROW]
    reference = model(nodes, SHAPE, real | {"row": (1, -1)})
    inputs = "t w r b - - - - ws wz rs rz"
    dynamic = layer("DynamicQuantizeLSTM", inputs, "a", domain="com.microsoft")
    proto = onnx.load_model_from_string(reference)
    proto.graph.node[1].CopyFrom(dynamic)
    del proto.graph.initializer[:]
    proto.graph.initializer.extend(
        onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in (given | quantised).items()
    )
    proto.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    ours, theirs, _ = answers(proto.SerializeToString(), reference)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


REFUSED = {
    "functions Tanh, Tanh": ("GRU", "t w r b", {"activations": ["Tanh", "Tanh"]}),
    "clips, couples its gates or has": ("LSTM", "t w r b", {"input_forget": 1}),
    "a number of steps that is given": ("RNN", "t w r b steps", {}),
    "a first state is not zero": ("LSTM", "t w r b - state", {}),
    "peepholes": ("LSTM", "t w r b - - - peepholes", {}),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_not_written_out_is_refused(reason):
    kind, operands, attributes = REFUSED[reason]
    given = {"steps": np.int32([3]), "state": weights(1, 1, UNITS), "peepholes": weights(1, 6)}
    constants = parameters(kind) | {k: v for k, v in given.items() if k in operands}
    with pytest.raises(ModelError) as error:
        read_onnx(model([TIME_FIRST, layer(kind, operands, "y", **attributes)], SHAPE, constants))
    assert reason.replace("a first", "whose first") in error.value.cause
    assert "without recurrence" in error.value.next_step


def test_an_unknown_number_of_steps_is_no_network():
    nodes = [node("Mul", "x two", "t"), layer("RNN", "t w r b", "y")]
    with pytest.raises(ModelError, match="1 part") as error:
        read_onnx(model(nodes, SHAPE, parameters("RNN") | {"two": scalar(2)}))
    assert f"a recurrent layer over {list(SHAPE)}" in error.value.cause  # five samples, one step


@pytest.mark.thorough
def test_what_is_too_long_to_be_written_out_is_refused():
    """Whatever a file of a few bytes asks for."""
    nodes = [TIME_FIRST, *(layer("RNN", "t w r b", f"a{i}") for i in range(30))]
    with pytest.raises(ModelError, match=r"parts") as error:
        read_onnx(model(nodes, (1, 128, FEATURES), parameters("RNN")))
    assert "written out, the model has more than 8000 operators" in error.value.cause
