"""ONNX files that are refused, and in which words; what is corrupt ends in an error alone."""

from contextlib import suppress

import numpy as np
import pytest
from thinned import counts

pytest.importorskip("onnx", reason="the package onnx is not installed (edgetune[onnx])")

import onnx  # noqa: E402
from onnx_builder import model, node, scalar  # noqa: E402

from edgetune.errors import EdgetuneError, ModelError  # noqa: E402
from edgetune.importers.load import load_model  # noqa: E402
from edgetune.importers.onnx import load  # noqa: E402
from edgetune.importers.onnx.read import read_onnx  # noqa: E402
from edgetune.importers.onnx.reasons import unknown_kind  # noqa: E402
from edgetune.workers import Worker  # noqa: E402

RANDOM = np.random.default_rng(9)


def weights(*shape):
    return RANDOM.normal(0, 0.5, shape).astype(np.float32)


IMAGE, ROW = (1, 3, 8, 9), (1, 4, 21)


def test_everything_unsupported_is_named_at_once():
    nodes = [
        node("LSTM", "x w r", "a -", hidden_size=2), node("Sin", "x", "b"),
        node("Conv", "x k", "c", group=3), node("Hardmax", "c", "d"),
    ]
    nodes += [node("Relu", "d", "y")]
    constants = {"w": weights(1, 8, 3), "r": weights(1, 8, 2), "k": weights(4, 2, 3)}
    with pytest.raises(ModelError) as error:
        read_onnx(model(nodes, ROW, constants))
    for text in ("LSTM 'the_a -'", "Sin 'the_b'", "Conv 'the_c'", "weights [4, 2",
                 "Hardmax 'the_d'"):
        assert text in error.value.cause
    assert error.value.message.startswith("edgetune cannot convert 4 parts")


@pytest.mark.parametrize("shape", [("n", 3, "h", 8), (2, 3, 8, 8), (1, 2, 3, 4, 5)])
def test_inputs_that_a_device_cannot_take(shape):
    with pytest.raises(ModelError, match="has the shape"):
        read_onnx(model([node("Relu", "x", "y")], shape))


def test_an_old_opset_is_refused():
    with pytest.raises(ModelError, match="opset 6"):
        read_onnx(model([node("Relu", "x", "y")], IMAGE, opset=6))


def with_weights_outside(path, location):
    """A model whose weights lie in another file, which is not written."""
    proto = onnx.load_model_from_string(
        model([node("Gemm", "x w", "y")], (1, 4), {"w": weights(4, 3)})
    )
    tensor = proto.graph.initializer[0]
    data = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "8"), ("length", str(len(data)))):
        tensor.external_data.add(key=key, value=value)
    path.write_bytes(proto.SerializeToString())
    return data


def test_weights_beside_the_model_are_read(tmp_path):
    data = with_weights_outside(tmp_path / "m.onnx", "m.onnx.data")
    (tmp_path / "m.onnx.data").write_bytes(b"12345678" + data)
    graph = load_model(tmp_path / "m.onnx")
    found = graph.tensors[graph.operators[0].inputs[1]].data
    np.testing.assert_array_equal(found.T.reshape(-1), np.frombuffer(data, np.float32))


def test_weights_that_are_too_short_are_refused(tmp_path):
    with_weights_outside(tmp_path / "m.onnx", "m.onnx.data")
    (tmp_path / "m.onnx.data").write_bytes(b"123456789")
    with pytest.raises(ModelError, match="corrupt"):
        load_model(tmp_path / "m.onnx")


@pytest.mark.parametrize("place", ["../secret", "/etc/passwd", "", ".", "a/b", "missing"])
def test_weights_elsewhere_are_refused(tmp_path, place):
    (tmp_path / "secret").write_bytes(bytes(100))
    (tmp_path / "folder").mkdir()
    with_weights_outside(tmp_path / "folder" / "m.onnx", place)
    with pytest.raises(ModelError, match="another file"):
        load_model(tmp_path / "folder" / "m.onnx")


def small_model():
    nodes = [
        node("Conv", "x w", "a", pads=[1, 1, 1, 1]), node("Clip", "a zero six", "b"),
        node("MaxPool", "b", "c", kernel_shape=[2, 2], strides=[2, 2]),
        node("Slice", "c begin end axes", "e"), node("Flatten", "e", "f"),
        node("Gemm", "f v", "y"),
    ]
    constants = {"w": weights(2, 1, 3, 3), "v": weights(8, 3), "zero": scalar(0),
                 "six": scalar(6), "begin": (1, 1), "end": (3, 3), "axes": (2, 3)}
    return model(nodes, (1, 1, 6, 6), constants)


def test_every_truncation_gives_a_typed_error_or_a_model():
    content = small_model()
    for length in range(len(content)):
        with suppress(EdgetuneError):
            read_onnx(content[:length])


@pytest.mark.parametrize("count", counts(100, 1500))
def test_mutations_give_a_typed_error_or_a_model(count):
    content, generator = small_model(), np.random.default_rng(11)
    for _ in range(count):
        mutated = bytearray(content)
        for place in generator.integers(0, len(content), generator.integers(1, 4)):
            mutated[place] = generator.integers(256)
        with suppress(EdgetuneError):
            read_onnx(bytes(mutated))


@pytest.mark.parametrize("kind, operands", [
    ("ConstantOfShape", {"a": (1 << 20, 1 << 20)}),
    ("Expand", {"a": scalar(1), "b": (1 << 20, 1 << 20)}),
    ("Range", {"a": np.array(0), "b": np.array(1 << 50), "c": np.array(1)}),
    ("Add", {"a": weights(5000, 1), "b": weights(1, 5000)}),
])
def test_constants_that_would_fill_the_memory_are_refused(kind, operands):
    nodes = [node(kind, " ".join(operands), "big"), node("Add", "x big", "y")]
    with pytest.raises(ModelError):
        read_onnx(model(nodes, IMAGE, operands))


def test_nodes_that_are_refused_alike_are_one_line_with_a_count():
    nodes = [node("Sin", "x" if i == 0 else f"v{i - 1}", f"v{i}") for i in range(60)]
    with pytest.raises(ModelError, match="60 parts") as error:
        read_onnx(model([*nodes, node("Relu", "v59", "y")], IMAGE))
    assert error.value.cause == (
        "60 times Sin, the first is node 'the_v0' (output 'v0'): a function that no int8 operator "
        "here computes"
    )


@pytest.mark.parametrize("kind, reason, advice", [
    ("ThresholdedRelu", "a function that no int8 operator here computes", "HardSwish"),
    ("Reciprocal", "a division by what is computed, and may be zero", "Change these layers"),
    ("Floor", "a function that no int8 operator here computes", "HardSwish"),
    ("ReduceProd", "it runs on constants only", "Change these layers"),
    ("Hardmax", "this kind of operator is not supported", "ONNX operators that convert"),
])
def test_a_kind_that_is_refused_has_its_own_reason(kind, reason, advice):
    with pytest.raises(ModelError) as error:
        read_onnx(model([node(kind, "x", "y")], IMAGE, opset=18))
    assert error.value.cause == f"node {kind} 'the_y' (output 'y'): {reason}"
    assert advice in error.value.next_step


@pytest.mark.parametrize("kind, what", [
    ("SVMClassifier", "support vector"), ("SVMRegressor", "support vector"),
    ("TreeEnsembleClassifier", "decision trees"), ("ArrayFeatureExtractor", "not one of ONNX's"),
])
def test_a_machine_without_layers_is_called_by_its_name(kind, what):
    reason = unknown_kind(kind, "ai.onnx.ml")
    assert what in reason
    assert ("MLPClassifier" in getattr(reason, "advice", "")) == ("no layers to train" in reason)


HALF = {"half": scalar(0.5), "zero": scalar(0), "minus": scalar(-0.5)}
JUMPS = {  # how PyTorch's exporters write nn.Hardshrink and the like
    "Or 'the_e' (output 'e'): it works on truth values": [
        node("Greater", "x half", "a"), node("Less", "x minus", "b"), node("Cast", "a", "c", to=9),
        node("Cast", "b", "d", to=9), node("Or", "c d", "e"), node("Where", "e x zero", "y")],
    "SELECT_V2 (output 'y'): it computes no function that has a name": [
        node("Abs", "x", "a"), node("LessOrEqual", "a half", "b"), node("Where", "b zero x", "y")],
    "Cast 'the_b' (output 'b'): a cast of truth values": [
        node("Greater", "x half", "a"), node("Cast", "a", "b", to=1), node("Mul", "x b", "y")],
    "Where 'the_y' (output 'y'): a choice between operands of another shape than the condition's": [
        node("Greater", "x half", "a"), node("GlobalMaxPool", "x", "b"),
        node("Where", "a b x", "y")],
    "GREATER (output 'a'): it is not the condition of one SELECT_V2 and nothing else": [
        node("Greater", "x half", "a"), node("Where", "a x zero", "b"),
        node("Where", "a zero x", "c"), node("Mul", "b c", "y")],
    "ERF (output 'a'): it is no part of a function that has a name": [
        node("Erf", "x", "a"), node("Add", "a half", "y")],
}


@pytest.mark.parametrize("reason", JUMPS)
def test_a_choice_that_is_no_known_function_is_refused(reason):
    used = {name for n in JUMPS[reason] for name in n.input}
    constants = {name: value for name, value in HALF.items() if name in used}
    with pytest.raises(ModelError) as error:
        read_onnx(model(JUMPS[reason], IMAGE, constants, opset=18))
    assert reason in error.value.cause and "Where" not in error.value.cause.replace(reason, "")
    assert "Cast" not in error.value.cause.replace(reason, "")


@pytest.mark.parametrize("first, refused", [
    (node("Cast", "x", "a", to=1), False), (node("DequantizeLinear", "x s z", "a"), True),
    (node("Relu", "x", "a"), True),
])
def test_an_input_of_integers_is_real_behind_a_cast_alone(first, refused):
    constants = {"s": scalar(0.1), "z": np.array(3, np.uint8)}
    constants = {name: value for name, value in constants.items() if name in first.input}
    proto = onnx.load_model_from_string(
        model([first, node("Relu", "a", "y")], (1, 4), constants)
    )
    proto.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    if refused:
        with pytest.raises(ModelError, match="'x' is of the type uint8"):
            read_onnx(proto.SerializeToString())
    else:
        assert read_onnx(proto.SerializeToString()).output.shape == (1, 4)


def test_integers_that_were_quantised_by_a_constant_scale_are_refused_where_they_multiply():
    """The sum would lack that scale."""
    nodes = [node("QuantizeLinear", "x s z", "q"), node("MatMulInteger", "q w z", "i"),
             node("Cast", "i", "y", to=1)]
    constants = {"s": scalar(0.1), "z": np.array(3, np.uint8), "w": np.ones((4, 4), np.uint8)}
    with pytest.raises(ModelError) as error:
        read_onnx(model(nodes, (1, 4), constants))
    assert "not those of a DynamicQuantizeLinear" in error.value.cause


@pytest.mark.parametrize("states_shapes", [True, False])
def test_what_follows_from_a_refused_node_is_no_reason_of_its_own(states_shapes):
    """An LSTM's output begins with time, and is reshaped by it."""
    constants = {"w": weights(1, 8, 3), "r": weights(1, 8, 2), "rows": (6, 1, 2),
                 "out": (1, 12), "v": weights(12, 3)}
    nodes = [
        node("Transpose", "x", "t", perm=[1, 0, 2]),
        node("LSTM", "t w r", "a", hidden_size=2, clip=1.0),
        node("Reshape", "a rows", "b"), node("Reshape", "b out", "c"), node("MatMul", "c v", "y"),
    ]
    proto = onnx.load_model_from_string(model(nodes, (1, 6, 3), constants))
    for value in proto.graph.value_info:
        if not states_shapes:
            value.type.tensor_type.shape.dim[0].dim_param = "time"
    with pytest.raises(ModelError, match="1 part ") as error:
        read_onnx(proto.SerializeToString())
    assert "LSTM" in error.value.cause and "Reshape" not in error.value.cause


def test_a_recurrent_layer_is_refused_with_what_to_do():
    constants = {"w": weights(1, 8, 3), "r": weights(1, 8, 2)}
    lstm = node("LSTM", "x w r", "y", hidden_size=2)
    with pytest.raises(ModelError) as error:
        read_onnx(model([lstm], (1, 4, 3), constants))
    assert "a recurrent layer over [1, 4, 3]" in error.value.cause  # four samples
    assert "without recurrence" in error.value.next_step


def test_a_checker_that_ends_its_process_ends_no_other(monkeypatch):
    worker = Worker("worker_abort")
    monkeypatch.setattr(load, "_checker", lambda process: worker)
    with pytest.raises(ModelError, match="corrupt") as error:
        read_onnx(model([node("Relu", "x", "y")], IMAGE))
    assert "its process ended with SIGABRT" in error.value.cause
    worker.end()


def test_operators_that_onnx_does_not_define_are_named():
    nodes = [node("Quant", "x", "a"), node("Quant", "a", "b"), node("Relu", "b", "y")]
    with pytest.raises(ModelError) as caught:
        read_onnx(model(nodes, (1, 1, 6, 6), {}))
    assert "corrupt" not in caught.value.message and caught.value.cause == "2 'Quant'"
