"""Networks of scikit-learn as skl2onnx writes them: the outputs that a device gives."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the package onnx is not installed (edgetune[onnx])")

import onnx  # noqa: E402
from onnx_builder import answers, kinds, model, node, scalar  # noqa: E402

from edgetune.errors import ModelError  # noqa: E402
from edgetune.importers.onnx.read import read_onnx  # noqa: E402

RANDOM = np.random.default_rng(12)


def weights(*shape):
    return RANDOM.normal(0, 0.5, shape).astype(np.float32)


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
    for wanted in (None, "out", 1, "1"):
        graph = read_onnx(proto.SerializeToString(), output=wanted)
        assert kinds(graph)[-1] == ("LOGISTIC" if classes == 2 else "SOFTMAX")
        assert graph.output.shape == (1, wide)
    with pytest.raises(ModelError, match="part"):
        read_onnx(proto.SerializeToString(), output="label")


@pytest.mark.parametrize("shape", [(-1, 1), (-1,)])
def test_several_values_are_one_row_however_they_are_laid(shape):
    """skl2onnx lays an MLPRegressor's values one under another."""
    nodes = [node("MatMul", "x w", "a"), node("Reshape", "a shape", "y")]
    content = model(nodes, (None, 5), {"w": weights(5, 3), "shape": shape})
    ours, theirs, graph = answers(content, count=1)
    assert graph.output.shape == (1, 3) and kinds(graph) == ["FULLY_CONNECTED"]
    np.testing.assert_allclose(ours.reshape(-1), theirs.reshape(-1), rtol=1e-5)
