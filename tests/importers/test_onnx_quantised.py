"""ONNX files that quantisers wrote: their values become real again."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the package onnx is not installed (edgetune[onnx])")

from onnx_builder import answers, kinds, model, node, scalar  # noqa: E402

from edgetune.importers.onnx.read import read_onnx  # noqa: E402

RANDOM = np.random.default_rng(10)


def weights(*shape):
    return RANDOM.normal(0, 0.5, shape).astype(np.float32)


IMAGE = (1, 3, 8, 9)


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


def integers(name, values, scale, dtype=np.int8, zero_point=0):
    """A quantised constant with its scale and zero point, one or one a channel."""
    return {name: values.astype(dtype), f"{name}s": np.float32(scale),
            f"{name}z": np.full(np.shape(scale), zero_point, dtype)}


def test_a_convolution_of_integers_is_one_of_real_numbers():
    scales = np.float32([0.1, 0.2, 0.3, 0.4])
    constants = integers("w", RANDOM.integers(-127, 128, (4, 3, 3, 3)), scales)
    constants |= scaled("a", np.uint8, 128, 8 / 255) | scaled("b", np.int8, 0, 1.0)
    constants["c"] = RANDOM.integers(-4000, 4000, 4).astype(np.int32)
    nodes = [
        node("QuantizeLinear", "x as az", "q"),
        node("QLinearConv", "q as az w ws wz bs bz c", "r", pads=[1, 1, 1, 1]),
        node("DequantizeLinear", "r bs bz", "y"),
    ]
    content = model(nodes, IMAGE, constants, 13)
    ours, theirs, graph = answers(content, model(nodes, IMAGE, constants, 21))
    assert kinds(graph) == ["CONV_2D"]
    np.testing.assert_allclose(ours.clip(-128, 127), theirs, atol=6)
    assert np.abs(theirs).max() > 30


def test_a_dense_layer_of_integers_is_one_of_real_numbers():
    constants = integers("w", RANDOM.integers(-127, 128, (6, 4)), 0.02)
    constants |= scaled("a", np.uint8, 100, 8 / 255) | scaled("b", np.uint8, 90, 0.1)
    nodes = [
        node("QuantizeLinear", "x as az", "q"),
        node("QLinearMatMul", "q as az w ws wz bs bz", "r"),
        node("DequantizeLinear", "r bs bz", "y"),
    ]
    content = model(nodes, (1, 6), constants, 13)
    ours, theirs, graph = answers(content, model(nodes, (1, 6), constants, 21))
    assert kinds(graph) == ["FULLY_CONNECTED"]
    np.testing.assert_allclose(ours, theirs, atol=0.15)


@pytest.mark.parametrize("kind, shape, weight, zero_points", [
    ("ConvInteger", IMAGE, (4, 3, 3, 3), 4), ("ConvInteger", IMAGE, (4, 3, 3, 3), 1),
    ("MatMulInteger", (1, 6), (6, 4), 1), ("MatMulInteger", (1, 6), (6, 4), 4),
])
def test_dynamic_quantisation_becomes_real(kind, shape, weight, zero_points):
    zero = RANDOM.integers(100, 150, zero_points).astype(np.uint8)
    constants = {"w": RANDOM.integers(0, 256, weight).astype(np.uint8), "ws": scalar(0.02),
                 "wz": zero if zero_points > 1 else zero.reshape(())}
    nodes = [
        node("DynamicQuantizeLinear", "x", "q s z"), node("Mul", "s ws", "t"),
        node(kind, "q w z wz", "i"), node("Cast", "i", "f", to=1), node("Mul", "f t", "y"),
    ]
    ours, theirs, graph = answers(model(nodes, shape, constants, 13))
    np.testing.assert_allclose(ours, theirs, atol=0.03 * np.abs(theirs).max())
    assert kinds(graph)[-1] == "MUL"


@pytest.mark.parametrize("kind, wanted", [("Abs", ["ABS"]), ("Tanh", ["TANH", "RELU"])])
def test_what_is_never_negative_needs_no_relu_where_its_range_begins_at_zero(kind, wanted):
    nodes = [node(kind, "x", "a"), node("QuantizeLinear", "a as az", "q"),
             node("DequantizeLinear", "q as az", "y")]
    content = model(nodes, IMAGE, scaled("a", np.uint8, 0, 9 / 255), 13)
    assert kinds(read_onnx(content)) == wanted
