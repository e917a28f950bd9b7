"""ONNX models of several inputs: each in its own order of axes, or a constant."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx_builder import node

from edgetune.errors import ModelError, UsageError
from edgetune.floats.engine import FloatEngine
from edgetune.importers.onnx.read import read_onnx

SHAPES = {"image": (1, 2, 6, 7), "vector": (1, 5)}
RANDOM = np.random.default_rng(0)
SAMPLE = {name: RANDOM.standard_normal(s).astype(np.float32) for name, s in SHAPES.items()}


def model(vector=("N", 5)) -> onnx.ModelProto:
    """The vector goes through a layer and a function of its own."""
    weights = {"w": (4, 2, 3, 3), "d": (4, 5), "h": (3, 8)}
    nodes = [
        node("Conv", "image w", "c", pads=[1, 1, 1, 1]), node("GlobalAveragePool", "c", "p"),
        node("Flatten", "p", "f"), node("Gemm", "vector d", "e", transB=1),
        node("Relu", "e", "r"), node("Concat", "f r", "j", axis=1),
        node("Gemm", "j h", "y", transB=1),
    ]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
              for name, shape in (("image", SHAPES["image"]), ("vector", vector))]
    random = np.random.default_rng(1)
    constants = [numpy_helper.from_array(random.standard_normal(shape).astype(np.float32), name)
                 for name, shape in weights.items()]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 3))
    graph = helper.make_graph(nodes, "test", inputs, [output], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def expected(proto: onnx.ModelProto) -> np.ndarray:
    return ReferenceEvaluator(proto).run(None, SAMPLE)[0]


def image_last() -> np.ndarray:
    return np.moveaxis(SAMPLE["image"], 1, -1)


def test_all_inputs_in_a_row():
    graph = read_onnx(model().SerializeToString())
    assert graph.input_names == ["image", "vector"]
    assert [t.shape for t in graph.input_tensors] == [(1, 6, 7, 2), (1, 5)]
    x = np.concatenate([image_last().reshape(1, -1), SAMPLE["vector"]], axis=1)
    np.testing.assert_allclose(FloatEngine(graph).run(x), expected(model()), rtol=1e-5, atol=1e-5)


def test_a_constant_input():
    given = {"vector": SAMPLE["vector"]}
    graph = read_onnx(model().SerializeToString(), inputs=given)
    assert graph.input_names == ["image"]
    assert [op.kind for op in graph.operators].count("FULLY_CONNECTED") == 1
    found = FloatEngine(graph).run(image_last())
    np.testing.assert_allclose(found, expected(model()), rtol=1e-5, atol=1e-5)


def test_errors_name_the_inputs():
    with pytest.raises(UsageError) as caught:
        read_onnx(model().SerializeToString(), inputs={"vektor": 1})
    assert "'image', 'vector'" in caught.value.cause
    with pytest.raises(ModelError) as error:
        read_onnx(model(vector=("N", "M")).SerializeToString())
    assert "'vector'" in error.value.message
