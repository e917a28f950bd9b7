"""ONNX files become float Graphs that compute what ONNX's reference implementation computes."""

import math
from contextlib import suppress
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the package onnx is not installed (edgetune[onnx])")

import onnx  # noqa: E402
from onnx_builder import answers, model, node  # noqa: E402

from edgetune.errors import EdgetuneError, ModelError  # noqa: E402
from edgetune.importers.load import load_model  # noqa: E402
from edgetune.importers.onnx.read import read_onnx  # noqa: E402
from edgetune.importers.onnx.values import transposition  # noqa: E402
from edgetune.quantize.canonical import canonical  # noqa: E402
from edgetune.quantize.convert import convert  # noqa: E402

EXAMPLES = Path(__file__).parents[2] / "examples"

RANDOM = np.random.default_rng(7)


def weights(*shape):
    return RANDOM.normal(0, 0.5, shape).astype(np.float32)


def kinds(graph):
    return [op.kind for op in graph.operators]


IMAGE = (1, 3, 8, 9)
ROW = (1, 4, 21)
CONVOLUTIONS = {  # by what is special: weights, attributes
    "plain": ((5, 3, 3, 3), {}),
    "same": ((5, 3, 3, 3), {"pads": [1, 1, 1, 1]}),
    "stride": ((5, 3, 3, 3), {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
    "lopsided": ((5, 3, 3, 2), {"pads": [0, 1, 2, 0]}),
    "dilated": ((5, 3, 3, 3), {"dilations": [2, 3], "pads": [2, 3, 2, 3]}),
    "depthwise": ((3, 1, 3, 3), {"group": 3, "pads": [1, 1, 1, 1]}),
    "multiplied": ((6, 1, 3, 3), {"group": 3, "strides": [2, 1]}),
    "upper": ((5, 3, 5, 4), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    "lower": ((5, 3, 5, 4), {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
    "valid": ((5, 3, 2, 2), {"auto_pad": "VALID", "strides": [3, 1]}),
}
EXPLICIT = {  # the padding in numbers: older references mistake the words
    "upper": [1, 1, 2, 2], "lower": [2, 2, 1, 1], "valid": [0, 0, 0, 0],
}


@pytest.mark.parametrize("case", CONVOLUTIONS)
@pytest.mark.parametrize("bias", [False, True])
def test_convolutions(case, bias):
    shape, attributes = CONVOLUTIONS[case]
    constants = {"w": weights(*shape)} | ({"b": weights(shape[0])} if bias else {})
    inputs = "x w b" if bias else "x w"
    content = model([node("Conv", inputs, "y", **attributes)], IMAGE, constants)
    if case in EXPLICIT:
        attributes = {"strides": attributes["strides"], "pads": EXPLICIT[case]}
    reference = model([node("Conv", inputs, "y", **attributes)], IMAGE, constants)
    ours, theirs, graph = answers(content, reference)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    assert graph.input.shape == (1, 8, 9, 3)


@pytest.mark.parametrize("shape, weight, attributes", [
    ((1, 6, 8, 9), (9, 2, 3, 3), {"pads": [1, 1, 1, 1], "strides": [2, 1]}),
    ((1, 4, 21), (4, 2, 5), {"dilations": [2]}),
])
@pytest.mark.parametrize("bias", ["", " b"])
def test_grouped_convolutions_are_one_a_group(shape, weight, attributes, bias):
    groups = shape[1] // weight[1]
    conv = node("Conv", "x w" + bias, "y", group=groups, **attributes)
    constants = {"w": weights(*weight)} | ({"b": weights(weight[0])} if bias else {})
    ours, theirs, graph = answers(model([conv], shape, constants))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    assert kinds(graph).count("CONV_2D") == groups


def scaled(name, dtype, zero_point, scale=6 / 255):
    return {f"{name}s": scalar(scale), f"{name}z": np.array(zero_point, dtype)}


@pytest.mark.parametrize("dtype, zero_point, scale, kind", [
    (np.uint8, 0, 6 / 255, "RELU6"), (np.int8, -128, 9 / 255, "RELU"), (np.int8, 3, 0.1, None),
])
def test_a_quantised_range_that_begins_at_zero_is_the_relu_that_it_replaced(
    dtype, zero_point, scale, kind
):
    constants = scaled("a", dtype, zero_point, scale) | scaled("w", np.int8, 0, 0.01)
    constants["w"] = RANDOM.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8)
    nodes = [
        node("DequantizeLinear", "w ws wz", "v"), node("Conv", "x v", "c"),
        node("QuantizeLinear", "c as az", "q"), node("DequantizeLinear", "q as az", "y"),
    ]
    newer = model(nodes, IMAGE, constants, 21)  # the reference knows none before opset 19
    ours, theirs, graph = answers(model(nodes, IMAGE, constants, 13), newer)
    assert kinds(graph) == ["CONV_2D"] + [kind] * bool(kind)
    limits = np.iinfo(dtype)
    low, high = ((n - zero_point) * scale for n in (limits.min, limits.max))
    np.testing.assert_allclose(ours.clip(low, high), theirs, atol=scale)


def test_a_hard_swish_is_one_behind_quantisation_too():
    constants = scaled("a", np.uint8, 0, 1 / 255)
    nodes = [
        node("HardSigmoid", "x", "h", alpha=1 / 6), node("QuantizeLinear", "h as az", "q"),
        node("DequantizeLinear", "q as az", "d"), node("Mul", "x d", "y"),
    ]
    assert kinds(read_onnx(model(nodes, IMAGE, constants))) == ["HARD_SWISH"]


def test_a_quantised_weight_a_channel_becomes_real():
    constants = {
        "w": RANDOM.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8),
        "s": np.float32([0.1, 0.2, 0.3, 0.4]), "z": np.zeros(4, np.int8),
    }
    nodes = [node("DequantizeLinear", "w s z", "v", axis=0), node("Conv", "x v", "y")]
    newer = model(nodes, IMAGE, constants, 21)
    ours, theirs, _ = answers(model(nodes, IMAGE, constants, 13), newer)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-3)


def test_integer_arithmetic_is_refused_with_what_to_do():
    nodes = [node("DynamicQuantizeLinear", "x", "a s z"), node("Relu", "x", "y")]
    with pytest.raises(ModelError) as error:
        read_onnx(model(nodes, IMAGE))
    assert "QDQ form" in error.value.cause


@pytest.mark.parametrize("classes", [2, 3])
def test_a_classifier_of_scikit_learn_gives_its_probabilities(classes):
    """As skl2onnx writes them: the label and a dictionary stand behind the probabilities."""
    wide = 1 if classes == 2 else classes
    nodes = [node("MatMul", "x w", "a"), node("Add", "a b", "c")]
    if classes == 2:
        nodes += [node("Sigmoid", "c", "p"), node("Sub", "one p", "n"),
                  node("Concat", "n p", "all", axis=1)]
    else:
        nodes += [node("Softmax", "c", "all", axis=1)]
    nodes += [node("ArgMax", "all", "i", axis=1), node("Identity", "all", "out")]
    lookup = onnx.helper.make_node("ArrayFeatureExtractor", ["labels", "i"], ["label"],
                                   domain="ai.onnx.ml")
    constants = {"w": weights(5, wide), "b": weights(wide), "one": scalar(1),
                 "labels": tuple(range(classes))}
    proto = onnx.load_model_from_string(model(nodes, (None, 5), constants, output="out"))
    proto.graph.node.append(lookup)
    proto.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 1))
    label = onnx.helper.make_tensor_value_info("label", onnx.TensorProto.INT64, [1])
    proto.graph.output.insert(0, label)
    graph = read_onnx(proto.SerializeToString())
    assert kinds(graph)[-1] == ("LOGISTIC" if classes == 2 else "SOFTMAX")
    assert graph.output.shape == (1, wide)


def test_same_padding_needs_no_pad_operator():
    conv = node("Conv", "x w", "y", pads=[1, 1, 1, 1])
    assert kinds(read_onnx(model([conv], IMAGE, {"w": weights(5, 3, 3, 3)}))) == ["CONV_2D"]


def test_one_dimensional_convolutions():
    constants = {"w": weights(6, 4, 5), "d": weights(6, 1, 3), "v": weights(2, 6 * 5)}
    nodes = [
        node("Conv", "x w", "a", pads=[2, 2], strides=[2]),
        node("Relu", "a", "b"),
        node("Conv", "b d", "c", group=6, dilations=[2], pads=[2, 2]),
        node("MaxPool", "c", "e", kernel_shape=[2], strides=[2]),
        node("Flatten", "e", "f"),
        node("Gemm", "f v", "y", transB=1),
    ]
    ours, theirs, graph = answers(model(nodes, ROW, constants))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    assert graph.input.shape == (1, 21, 4)


POOLS = {
    "max": ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
    "max, padded as PyTorch pads": (
        "MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    "max, rounded up": ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}),
    "average": ("AveragePool", {"kernel_shape": [2, 3], "strides": [2, 1]}),
    "average, padding counts": ("AveragePool", {
        "kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1],
        "count_include_pad": 1}),
    "average, padding does not count": (
        "AveragePool", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    "global average": ("GlobalAveragePool", {}),
    "global maximum": ("GlobalMaxPool", {}),
    "mean": ("ReduceMean", {"axes": [2, 3], "keepdims": 0}),
    "mean, kept": ("ReduceMean", {"axes": [-1, -2]}),
    "maximum": ("ReduceMax", {"axes": [2, 3], "keepdims": 0}),
}


@pytest.mark.parametrize("case", POOLS)
@pytest.mark.parametrize("positive", [False, True])
def test_pools(case, positive):
    kind, attributes = POOLS[case]
    first = node("Relu" if positive else "Tanh", "x", "a")
    ours, theirs, _ = answers(model([first, node(kind, "a", "y", **attributes)], IMAGE))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def scalar(value):
    return np.array(value, np.float32)


UNARY = {
    "Relu": [node("Relu", "x", "y")],
    "Sigmoid": [node("Sigmoid", "x", "y")],
    "Tanh": [node("Tanh", "x", "y")],
    "LeakyRelu": [node("LeakyRelu", "x", "y", alpha=0.3)],
    "PRelu": [node("PRelu", "x slope", "y")],
    "HardSwish": [node("HardSwish", "x", "y")],
    "HardSigmoid": [node("HardSigmoid", "x", "y")],
    "Clip 0 6": [node("Clip", "x zero six", "y")],
    "Clip 0": [node("Clip", "x zero", "y")],
    "Clip -1 2": [node("Clip", "x low two", "y")],
    "Clip below": [node("Clip", "x low", "y")],
    "Clip above": [node("Clip", "x - two", "y")],
    "Elu": [node("Elu", "x", "y")],
    "Elu 0.5": [node("Elu", "x", "y", alpha=0.5)],
    "Selu": [node("Selu", "x", "y")],
    "Abs": [node("Abs", "x", "y")],
    "Exp": [node("Exp", "x", "y")],
    "Max": [node("Max", "x low", "y")],
    "Min": [node("Min", "two x", "y")],
    "Pow": [node("Pow", "x two", "y")],
    "Gelu": [node("Mul", "x root", "a"), node("Erf", "a", "b"), node("Add", "b one", "c"),
             node("Mul", "x c", "d"), node("Div", "d two", "y")],
    "Slopes": [node("PRelu", "x channel", "y")],
    "Neg": [node("Neg", "x", "y")],
    "Div": [node("Div", "x two", "y")],
    "Sub": [node("Sub", "two x", "y")],
    "a channel": [node("Mul", "x channel", "y")],
    "a row": [node("Add", "row x", "y")],
    "Softmax": [node("Softmax", "x", "y", axis=1)],
    "Identity": [node("Identity", "x", "a"), node("Dropout", "a", "b"), node("Relu", "b", "y")],
}
CONSTANTS = {
    "slope": np.full((3, 1, 1), 0.2, np.float32), "zero": scalar(0), "six": scalar(6),
    "two": scalar(2), "low": scalar(-1), "one": scalar(1), "root": scalar(0.5**0.5),
    "channel": weights(1, 3, 1, 1), "row": weights(9),
}


@pytest.mark.parametrize("case", UNARY)
def test_elementwise(case):
    used = {name for n in UNARY[case] for name in n.input}
    constants = {name: value for name, value in CONSTANTS.items() if name in used}
    ours, theirs, _ = answers(model(UNARY[case], IMAGE, constants))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_x_times_its_hard_sigmoid_is_a_hard_swish():
    nodes = [node("HardSigmoid", "x", "a", alpha=1 / 6), node("Mul", "a x", "y")]
    ours, theirs, graph = answers(model(nodes, IMAGE))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert kinds(graph) == ["HARD_SWISH"]


def test_squeeze_and_excite_broadcasts():
    nodes = [
        node("GlobalAveragePool", "x", "a"), node("Conv", "a w", "b"), node("Sigmoid", "b", "c"),
        node("Mul", "x c", "d"), node("Sum", "d x d", "e"), node("Sub", "e x", "y"),
    ]
    ours, theirs, _ = answers(model(nodes, IMAGE, {"w": weights(3, 3, 1, 1)}))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


JOINS = {
    "crop": [node("Slice", "x begin end axes", "y")],
    "split and concat": [
        node("Split", "x parts", "a b", axis=1), node("Relu", "a", "c"),
        node("Concat", "b c", "y", axis=1)],
    "concat rows": [node("Tanh", "x", "a"), node("Concat", "a x", "y", axis=-2)],
    "pad": [node("Pad", "x pads", "y")],
}
JOIN_CONSTANTS = {
    "begin": (1, -4), "end": (2**31, -1), "axes": (2, 3), "parts": (1, 2),
    "pads": (0, 0, 1, 0, 0, 0, 2, 3),
}


@pytest.mark.parametrize("case", JOINS)
def test_joins_and_cuts(case):
    used = {name for n in JOINS[case] for name in n.input}
    constants = {name: value for name, value in JOIN_CONSTANTS.items() if name in used}
    ours, theirs, _ = answers(model(JOINS[case], IMAGE, constants))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("opset", [7, 9, 11, 13, 17, 21])
def test_a_residual_network_with_batch_normalisation(opset):
    constants = {"w": weights(4, 3, 3, 3), "v": weights(4, 4, 3, 3), "u": weights(4 * 4 * 4, 5)}
    constants |= {name: weights(4) for name in ("scale", "shift", "mean", "c")}
    constants |= {"variance": np.abs(weights(4)) + 0.5, "shape": (0, -1), "b": weights(5)}
    nodes = [
        node("Conv", "x w c", "a", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "a scale shift mean variance", "n"),
        node("Relu", "n", "r"),
        node("Conv", "r v", "d", pads=[1, 1, 1, 1]),
        node("Add", "d r", "e"), node("Relu", "e", "f"),
        node("MaxPool", "f", "g", kernel_shape=[2, 2], strides=[2, 2]),
        node("Reshape", "g shape", "h"),
        node("MatMul", "h u", "i"), node("Add", "i b", "j"), node("Softmax", "j", "y"),
    ]
    # before opset 14 the reference takes every batch normalisation for one in training
    newer = model(nodes, IMAGE, constants, 17)
    ours, theirs, graph = answers(model(nodes, IMAGE, constants, opset), newer)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    folded = ["CONV_2D", "CONV_2D", "ADD", "MAX_POOL_2D", "FULLY_CONNECTED", "SOFTMAX"]
    assert kinds(canonical(graph)) == folded
    assert (graph.input.name, graph.output.name) == ("x", "y")


def test_shapes_that_the_model_works_out_are_worked_out_here():
    nodes = [
        node("Relu", "x", "a"), node("Shape", "a", "s"), node("Gather", "s zero", "n"),
        node("Unsqueeze", "n front", "m"), node("Concat", "m rest", "t", axis=0),
        node("Reshape", "a t", "b"), node("Gemm", "b w", "y", transB=1, alpha=0.5),
    ]
    constants = {"zero": np.array(0), "front": (0,), "rest": (-1,), "w": weights(2, 3 * 8 * 9)}
    ours, theirs, graph = answers(model(nodes, IMAGE, constants))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    assert kinds(graph) == ["RELU", "FULLY_CONNECTED"]


def test_a_file_that_transposes_first_keeps_the_order_of_its_input():
    nodes = [
        node("Transpose", "x", "a", perm=[0, 3, 1, 2]), node("Conv", "a w", "b"),
        node("Transpose", "b", "y", perm=[0, 2, 3, 1]),
    ]
    ours, theirs, graph = answers(model(nodes, (1, 6, 7, 3), {"w": weights(4, 3, 3, 3)}))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    assert graph.input.shape == (1, 6, 7, 3) and kinds(graph) == ["CONV_2D"]


def test_dense_layers_at_every_place_keep_the_order_of_the_input():
    nodes = [node("MatMul", "x w", "a"), node("Relu", "a", "b"),
             node("ReduceMean", "b", "c", axes=[1], keepdims=0), node("MatMul", "c v", "y")]
    constants = {"w": weights(6, 8), "v": weights(8, 3)}
    ours, theirs, graph = answers(model(nodes, (1, 10, 6), constants))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert graph.input.shape == (1, 10, 6)


def test_an_open_batch_becomes_one():
    content = model([node("Flatten", "x", "a"), node("Gemm", "a w", "y")], ("n", 2, 5),
                    {"w": weights(10, 3)})
    assert read_onnx(content).output.shape == (1, 3)


def test_a_torch_network_loses_no_half_point_as_int8():
    data = np.load(EXAMPLES / "digits" / "digits.npz")
    x, samples = (
        data[name].astype(np.float32) * float(data["scale"])
        for name in ("upright_test_x", "pretrain_x")
    )
    graph = load_model(EXAMPLES / "pytorch" / "digits.onnx")
    labelled = (x, data["upright_test_y"])
    accuracy = convert(graph, samples[:200], labelled=labelled).report.accuracy
    assert accuracy.float_accuracy > 0.93
    assert accuracy.int8_accuracy >= accuracy.float_accuracy - 0.005


# ---- what is refused


def test_everything_unsupported_is_named_at_once():
    nodes = [
        node("LSTM", "x w r", "a -", hidden_size=2), node("Sin", "x", "b"),
        node("Conv", "x k", "c", group=3), node("Resize", "c - scales", "d"),
    ]
    nodes += [node("Relu", "d", "y")]
    constants = {"w": weights(1, 8, 3), "r": weights(1, 8, 2), "k": weights(4, 2, 3),
                 "scales": np.ones(3, np.float32)}
    with pytest.raises(ModelError) as error:
        read_onnx(model(nodes, ROW, constants))
    for text in ("LSTM 'the_a -'", "Sin 'the_b'", "Conv 'the_c'", "weights [4, 2",
                 "Resize 'the_d'"):
        assert text in error.value.cause
    assert error.value.message.startswith("edgetune cannot convert 4 parts")


def test_a_shuffle_of_channels_is_refused():
    nodes = [
        node("Reshape", "x split", "a"), node("Transpose", "a", "b", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "b joined", "c"), node("Conv", "c w", "y"),
    ]
    constants = {"split": (1, 2, 2, 4, 4), "joined": (1, 4, 4, 4), "w": weights(2, 4, 3, 3)}
    with pytest.raises(ModelError, match="1 part") as error:
        read_onnx(model(nodes, (1, 4, 4, 4), constants))
    assert "would have to move in memory" in error.value.cause


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_every_transposition_is_found_from_its_places(order):
    places = np.arange(120).reshape(2, 3, 4, 5).transpose(order)
    shape, axes = transposition(places[None])
    tensor = np.arange(120).reshape(shape).transpose(axes)
    np.testing.assert_array_equal(tensor.reshape(places.shape), places)
    assert transposition(places[::-1]) is None


@pytest.mark.parametrize("shape, order", [((1, 4, 6, 5), (0, 2, 1, 3)), ((1, 4, 6), (0, 2, 1))])
def test_a_transposition_that_moves_elements(shape, order):
    moved = tuple(shape[axis] for axis in order)
    nodes = [
        node("Relu", "x", "a"), node("Transpose", "a", "b", perm=order),
        node("Conv", "b w", "c"), node("Transpose", "c", "d", perm=order),
        node("Flatten", "d", "e"), node("Gemm", "e v", "y", transB=1),
    ]
    kernel = (3, moved[1], *[1] * (len(shape) - 2))
    constants = {"w": weights(*kernel), "v": weights(4, 3 * math.prod(moved[2:]))}
    ours, theirs, graph = answers(model(nodes, shape, constants))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    assert (kinds(graph).count("TRANSPOSE") > 0) == (len(shape) == 4)


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


def test_operators_that_onnx_does_not_define_are_named():
    nodes = [node("Quant", "x", "a"), node("Quant", "a", "b"), node("Relu", "b", "y")]
    with pytest.raises(ModelError) as caught:
        read_onnx(model(nodes, (1, 1, 6, 6), {}))
    assert "corrupt" not in caught.value.message and caught.value.cause == "2 'Quant'"


def test_every_truncation_gives_a_typed_error_or_a_model():
    content = small_model()
    for length in range(len(content)):
        with suppress(EdgetuneError):
            read_onnx(content[:length])


def test_mutations_give_a_typed_error_or_a_model():
    content, generator = small_model(), np.random.default_rng(11)
    for _ in range(1500):
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
