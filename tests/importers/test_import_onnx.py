"""ONNX files become float Graphs that compute what ONNX's reference implementation computes."""

from pathlib import Path

import numpy as np
import pytest
from thinned import thinned, thinned_rows

pytest.importorskip("onnx", reason="the package onnx is not installed (edgetune[onnx])")

from onnx_builder import answers, kinds, model, node, scalar  # noqa: E402

from edgetune.errors import ModelError  # noqa: E402
from edgetune.importers.load import load_model  # noqa: E402
from edgetune.importers.onnx.fold import folded  # noqa: E402
from edgetune.importers.onnx.read import read_onnx  # noqa: E402
from edgetune.quantize.canonical import canonical  # noqa: E402
from edgetune.quantize.convert import convert  # noqa: E402

EXAMPLES = Path(__file__).parents[2] / "examples"

RANDOM = np.random.default_rng(7)


def weights(*shape):
    return RANDOM.normal(0, 0.5, shape).astype(np.float32)


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


@pytest.mark.parametrize("case", thinned(CONVOLUTIONS, 4))
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
def test_grouped_convolutions_are_one_operator(shape, weight, attributes, bias):
    groups = shape[1] // weight[1]
    conv = node("Conv", "x w" + bias, "y", group=groups, **attributes)
    constants = {"w": weights(*weight)} | ({"b": weights(weight[0])} if bias else {})
    ours, theirs, graph = answers(model([conv], shape, constants))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    assert kinds(graph).count("CONV_2D") == 1 and "CONCATENATION" not in kinds(graph)


@pytest.mark.parametrize("shape, kernel, attributes, cut", thinned_rows([
    ((1, 3, 4, 5), (3, 3), {}, False),
    ((1, 3, 4, 5), (4, 4), {"strides": [2, 2], "pads": [1, 1, 1, 1]}, False),  # SAME
    ((1, 3, 4, 5), (3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1]}, False),
    ((1, 3, 4, 5), (3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]},
     True),
    ((1, 3, 4, 5), (3, 2), {"strides": [2, 3], "pads": [2, 0, 0, 0], "output_padding": [1, 2]},
     True),
    ((1, 3, 4, 5), (3, 3), {"strides": [2, 2], "pads": [0, 0, 1, 1]}, False),
    ((1, 3, 7), (4,), {"strides": [2], "pads": [1, 1]}, False),
    ((1, 3, 7), (5,), {"strides": [3], "pads": [2, 1]}, True),
], 4))
@pytest.mark.parametrize("bias", ["", " b"])
def test_transposed_convolutions(shape, kernel, attributes, cut, bias):
    conv = node("ConvTranspose", "x w" + bias, "y", **attributes)
    constants = {"w": weights(3, 4, *kernel)} | ({"b": weights(4)} if bias else {})
    ours, theirs, graph = answers(model([conv], shape, constants))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    assert ("STRIDED_SLICE" in kinds(graph)) == cut


@pytest.mark.parametrize("attributes, words", [
    ({"dilations": [2, 2]}, "taps that lie apart"), ({"pads": [9, 9, 9, 9]}, "out of range"),
])
def test_transposed_convolutions_that_are_refused(attributes, words):
    conv = node("ConvTranspose", "x w", "y", **attributes)
    with pytest.raises(ModelError) as error:
        read_onnx(model([conv], (1, 3, 4, 5), {"w": weights(3, 4, 3, 3)}))
    assert words in error.value.cause


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


@pytest.mark.parametrize("case", thinned(POOLS, 4))
@pytest.mark.parametrize("positive", [False, True])
def test_pools(case, positive):
    kind, attributes = POOLS[case]
    first = node("Relu" if positive else "Tanh", "x", "a")
    ours, theirs, _ = answers(model([first, node(kind, "a", "y", **attributes)], IMAGE))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


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
    "Sqrt": [node("Exp", "x", "a"), node("Sqrt", "a", "y")],
    "Log": [node("Exp", "x", "a"), node("Add", "a one", "b"), node("Log", "b", "y")],
    "Max": [node("Max", "x low", "y")],
    "Min": [node("Min", "two x", "y")],
    "Max of three": [node("Relu", "x", "a"), node("Max", "x channel a", "y")],
    "Min of two": [node("Relu", "x", "a"), node("Sub", "low x", "b"), node("Min", "a b", "y")],
    "Pow": [node("Pow", "x two", "y")],
    "Gelu": [node("Mul", "x root", "a"), node("Erf", "a", "b"), node("Add", "b one", "c"),
             node("Mul", "x c", "d"), node("Div", "d two", "y")],
    "Slopes": [node("PRelu", "x channel", "y")],
    "Celu": [node("Celu", "x", "y", alpha=0.5)],
    "Softplus": [node("Softplus", "x", "y")],
    "Softplus of two": [node("Mul", "x two", "a"), node("Softplus", "a", "b"),
                        node("Div", "b two", "c"), node("Greater", "a twenty", "d"),
                        node("Where", "d x c", "y")],
    "Mish": [node("Softplus", "x", "a"), node("Tanh", "a", "b"), node("Mul", "x b", "y")],
    "Softsign": [node("Softsign", "x", "y")],
    "Softsign in parts": [node("Abs", "x", "a"), node("Add", "a one", "b"),
                          node("Div", "x b", "y")],
    "over what is positive": [node("Sigmoid", "x", "a"), node("Add", "a channels", "b"),
                              node("Relu", "b", "c"), node("Div", "a c", "y")],
    "Where": [node("Mul", "x two", "a"), node("LessOrEqual", "x zero", "b"),
              node("Where", "b a x", "y")],
    "Neg": [node("Neg", "x", "y")],
    "Div": [node("Div", "x two", "y")],
    "Sub": [node("Sub", "two x", "y")],
    "a channel": [node("Mul", "x channel", "y")],
    "a row": [node("Add", "row x", "y")],
    "Softmax": [node("Softmax", "x", "y", axis=1)],
    "LogSoftmax": [node("LogSoftmax", "x", "y", axis=1)],
    "Identity": [node("Identity", "x", "a"), node("Dropout", "a", "b"), node("Relu", "b", "y")],
}
CONSTANTS = {
    "slope": np.full((3, 1, 1), 0.2, np.float32), "zero": scalar(0), "six": scalar(6),
    "two": scalar(2), "low": scalar(-1), "one": scalar(1), "root": scalar(0.5**0.5),
    "channel": weights(1, 3, 1, 1), "row": weights(9), "twenty": scalar(20),
    "channels": np.abs(weights(1, 3, 1, 1)) + 0.1,
}


@pytest.mark.parametrize("case", thinned(UNARY, 14))
def test_elementwise(case):
    used = {name for n in UNARY[case] for name in n.input}
    constants = {name: value for name, value in CONSTANTS.items() if name in used}
    ours, theirs, _ = answers(model(UNARY[case], IMAGE, constants))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", thinned([IMAGE, ROW, (1, 9)], 2), ids=str)
@pytest.mark.parametrize("inputs", ["x s", "x s o"])
def test_layer_normalization(shape, inputs):
    constants = {"s": weights(shape[-1]), "o": weights(shape[-1])}
    nodes = [node("LayerNormalization", inputs, "y", axis=-1, epsilon=1e-3)]
    used = {name: constants[name] for name in inputs.split()[1:]}
    ours, theirs, _ = answers(model(nodes, shape, used, 17))
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


@pytest.mark.parametrize("mode", thinned(["constant", "reflect", "edge", "wrap"], 2))
@pytest.mark.parametrize("shape, pads", [
    (IMAGE, (0, 0, 1, 2, 0, 0, 0, 3)), (IMAGE, (0, 1, 0, 0, 0, 2, 0, 1)), (ROW, (0, 0, 3, 0, 2, 1)),
    ((1, 6), (0, 2, 0, 1)),
], ids=str)
def test_padding_of_every_mode(shape, pads, mode):
    nodes = [node("Pad", "x pads", "y", mode=mode)]
    ours, theirs, graph = answers(model(nodes, shape, {"pads": pads}, 19))
    np.testing.assert_array_equal(ours, theirs)
    kind = {"constant": "PAD", "reflect": "MIRROR_PAD"}.get(mode, "GATHER")
    assert set(kinds(graph)) - {"RESHAPE"} == {kind}


@pytest.mark.parametrize("case", JOINS)
def test_joins_and_cuts(case):
    used = {name for n in JOINS[case] for name in n.input}
    constants = {name: value for name, value in JOIN_CONSTANTS.items() if name in used}
    ours, theirs, _ = answers(model(JOINS[case], IMAGE, constants))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("opset", thinned([7, 9, 11, 13, 17, 21], 2))
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


@pytest.mark.parametrize("kind, opset, shape", [
    ("Unsqueeze", 11, (2, 1, 1, 3)), ("Unsqueeze", 13, (2, 1, 1, 3)), ("Squeeze", 11, (2, 3)),
    ("Squeeze", 13, (2, 3)), ("ReduceSum", 11, (2, 1, 3)), ("ReduceSum", 13, (2, 1, 3)),
])
def test_constants_are_worked_out_as_the_opset_has_it(kind, opset, shape):
    """Axes are an attribute before 13, and an operand from there on."""
    operands = [np.ones((2, 1, 3), np.float32), *([np.array([1])] if opset >= 13 else [])]
    attributes = {"axes": [1]} if opset < 13 else {}
    proto = node(kind, "x axes" if opset >= 13 else "x", "y", **attributes)
    assert folded(proto, opset, operands)[0].shape == shape


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


@pytest.mark.thorough
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
