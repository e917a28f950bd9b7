"""Networks of scikit-learn as skl2onnx writes them: the outputs that a device gives."""

from itertools import combinations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the package onnx is not installed (edgetune[onnx])")

import onnx  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402
from onnx_builder import answers, kinds, model, node, scalar  # noqa: E402

from edgetune.errors import ModelError  # noqa: E402
from edgetune.floats.engine import FloatEngine  # noqa: E402
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


# ---- support vector machines

FEATURES = 4


def machine(kernel, sizes=(), **more):
    """A machine of random vectors, as skl2onnx writes it; without ``sizes`` it is a regressor."""
    random = np.random.default_rng(24)  # of which every class is met

    def drawn(*shape):
        return random.normal(0, 0.5, shape).astype(np.float32)

    n, pairs = sum(sizes) or 7, len(sizes) * (len(sizes) - 1) // 2 or 1
    fields = dict(
        kernel_type=kernel, kernel_params=[0.3, 0.2, 3.0], support_vectors=drawn(n * FEATURES),
        coefficients=drawn(n * max(1, len(sizes) - 1)), rho=0.1 * drawn(pairs),
        post_transform="NONE",
    )
    if sizes:
        fields |= dict(classlabels_ints=range(len(sizes)), vectors_per_class=sizes)
    else:
        fields |= dict(n_supports=n)
    kind, outputs = ("SVMClassifier", ["label", "y"]) if sizes else ("SVMRegressor", ["y"])
    made = onnx.helper.make_node(kind, ["a"], outputs, domain="ai.onnx.ml", **(fields | more))
    content = model([node("MatMul", "x w", "a")], (None, 5), {"w": drawn(5, FEATURES)})
    proto = onnx.load_model_from_string(content)
    proto.graph.node.append(made)
    proto.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 1))
    del proto.graph.output[:]
    types = {"label": onnx.TensorProto.INT64, "y": onnx.TensorProto.FLOAT}
    for name in outputs:
        wide = (None,) if name == "label" else (None, pairs)
        proto.graph.output.append(onnx.helper.make_tensor_value_info(name, types[name], wide))
    return proto


def votes(found, classes):
    """Labels by libsvm's vote: each decision of i against j gives one of them a vote."""
    counts = np.zeros((len(found), classes))
    for place, pair in enumerate(combinations(range(classes), 2)):
        winners = np.where(found[:, place] > 0, *pair)
        counts[np.arange(len(found)), winners] += 1
    return counts.argmax(1)


@pytest.mark.parametrize("kernel", ["RBF", "LINEAR", "POLY", "SIGMOID"])
def test_a_support_vector_machine_is_two_dense_layers(kernel):
    x = np.random.default_rng(1).normal(0, 1, (40, 5)).astype(np.float32)
    for sizes in ((), (3, 4), (3, 2, 4), (2, 3, 2, 4)):
        proto = machine(kernel, sizes)
        graph = read_onnx(proto.SerializeToString())
        ours = FloatEngine(graph).run_all(x)
        theirs = [ReferenceEvaluator(proto).run(None, {"x": one[None]}) for one in x]
        if sizes:
            labels = np.concatenate([found[0] for found in theirs])
            assert graph.decoding == ("SVMClassifier",) and len(np.unique(labels)) > 1
            assert np.array_equal(votes(ours, len(sizes)), labels)
        else:
            values = np.concatenate([found[0] for found in theirs]).reshape(-1)
            np.testing.assert_allclose(ours.reshape(-1), values, rtol=1e-4, atol=1e-5)


def test_decisions_are_those_of_the_reference():
    x = np.random.default_rng(1).normal(0, 1, (8, 5)).astype(np.float32)
    proto = machine("RBF", (3, 2, 4))
    ours = FloatEngine(read_onnx(proto.SerializeToString())).run_all(x)
    theirs = [ReferenceEvaluator(proto).run(["y"], {"x": one[None]})[0] for one in x]
    np.testing.assert_allclose(ours, np.concatenate(theirs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("wrong", [
    {"post_transform": "SOFTMAX"}, {"vectors_per_class": [3, 2]}, {"kernel_params": [1.0]},
    {"rho": [0.0]}, {"coefficients": [1.0]}, {"support_vectors": [1.0]},
])
def test_machines_of_another_form_are_refused(wrong):
    proto = machine("RBF", (3, 2, 4), **wrong)
    with pytest.raises(ModelError, match="part"):
        read_onnx(proto.SerializeToString(), output=1)
