"""ONNX models with several outputs: one is chosen, and only what it needs is read."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the package onnx is not installed (edgetune[onnx])")

import onnx  # noqa: E402
from onnx_builder import model, node  # noqa: E402

from edgetune.errors import EdgetuneError, ModelError  # noqa: E402
from edgetune.floats.engine import FloatEngine  # noqa: E402
from edgetune.importers.onnx.read import read_onnx  # noqa: E402

RANDOM = np.random.default_rng(12)
IMAGE = (1, 3, 8, 9)


def weights(*shape):
    return RANDOM.normal(0, 0.5, shape).astype(np.float32)


def two_outputs():
    """Classes and a label on one layer, and a node behind them that is not supported."""
    nodes = [
        node("Conv", "x w", "h"), node("Relu", "h", "r"), node("Flatten", "r", "flat"),
        node("Gemm", "flat a", "logits"), node("Softmax", "logits", "classes"),
        node("Gemm", "flat b", "raw"), node("Sigmoid", "raw", "label"),
        node("Hardmax", "raw", "odd"),
    ]
    constants = {"w": weights(2, 3, 3, 3), "a": weights(84, 4), "b": weights(84, 1)}
    return with_outputs(model(nodes, IMAGE, constants), "classes", "label", "odd")


def with_outputs(content, *names):
    proto = onnx.load_model_from_string(content)
    del proto.graph.output[:]
    for name in names:
        proto.graph.output.add().CopyFrom(
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        )
        proto.graph.output[-1].type.tensor_type.ClearField("shape")
    return onnx.shape_inference.infer_shapes(proto).SerializeToString()


@pytest.mark.parametrize("wanted, name, kind", [
    ("classes", "classes", "SOFTMAX"), ("label", "label", "LOGISTIC"), (1, "label", "LOGISTIC"),
])
def test_one_of_several_outputs(wanted, name, kind):
    content = two_outputs()
    graph = read_onnx(content, output=wanted)
    assert graph.output.name == name and graph.operators[-1].kind == kind
    assert [o.name for o in graph.other_outputs] == [
        n for n in ("classes", "label", "odd") if n != name
    ]
    x = np.random.default_rng(3).standard_normal((2, *graph.input.shape[1:])).astype(np.float32)
    evaluator = onnx.reference.ReferenceEvaluator(onnx.load_model_from_string(content))
    for one in range(2):
        theirs = evaluator.run([name], {"x": np.moveaxis(x[one : one + 1], -1, 1)})[0]
        ours = FloatEngine(graph).run(x[one : one + 1])
        np.testing.assert_allclose(ours.reshape(theirs.shape), theirs, atol=1e-5)


def test_several_outputs_are_listed():
    with pytest.raises(ModelError) as caught:
        read_onnx(two_outputs())
    assert caught.value.cause.splitlines()[:2] == [
        "0: 'classes' [1, 4], 4 classes, softmax loss", "1: 'label' [1, 1], 1 label, sigmoid loss",
    ]
    with pytest.raises(EdgetuneError, match="no output 'smell'"):
        read_onnx(two_outputs(), output="smell")


def test_an_output_that_is_another_in_another_shape_needs_no_choice():
    nodes = [node("Gemm", "x a", "y"), node("Unsqueeze", "y axes", "z")]
    content = model(nodes, (1, 6), {"a": weights(6, 4), "axes": [1]})
    assert read_onnx(with_outputs(content, "y", "z")).output.shape == (1, 4)
