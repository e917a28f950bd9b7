"""The demo's files keep their promises: disjoint splits, a good model, a sensor that fools it."""

from pathlib import Path

import numpy as np
import pytest

from edgetune.data import Targets, load_data
from edgetune.model.read import read_tflite

FOLDER = Path(__file__).parents[2] / "examples" / "digits"
MODEL = FOLDER / "digits_int8.tflite"


@pytest.fixture(scope="module")
def archive():
    with np.load(FOLDER / "digits.npz") as stored:
        return dict(stored)


@pytest.fixture(scope="module")
def graph():
    return read_tflite(MODEL)


def quantized(archive, key):
    """Raw images 0..16 on the model's grid: its input is 0..1 on 256 steps of (just over) 1/255."""
    return np.floor(archive[key] / 16 / float(np.float32(1 / 255)) + 0.5).astype(int) - 128


def accuracy(images, labels):
    interpreter_module = pytest.importorskip(
        "tflite_runtime.interpreter", reason="tflite-runtime is not installed"
    )
    interpreter = interpreter_module.Interpreter(
        str(MODEL),
        experimental_op_resolver_type=interpreter_module.OpResolverType.BUILTIN_REF,
    )
    interpreter.allocate_tensors()
    input_at = interpreter.get_input_details()[0]["index"]
    output_at = interpreter.get_output_details()[0]["index"]
    hits = 0
    for image, label in zip(images.astype(np.int8), labels, strict=True):
        interpreter.set_tensor(input_at, image[None])
        interpreter.invoke()
        hits += int(interpreter.get_tensor(output_at)[0].argmax()) == label
    return hits / len(labels)


def test_the_three_parts_are_disjoint_and_cover_all_digits(archive):
    parts = [archive[f"{name}_index"] for name in ("pretrain", "tune", "test")]
    assert [len(part) for part in parts] == [900, 500, 397]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(1797))


def test_no_image_occurs_in_two_parts(archive):
    upright = {
        "pretrain": archive["pretrain_x"],
        "tune": np.rot90(archive["tune_x"], k=-1, axes=(1, 2)),
        "test": archive["upright_test_x"],
    }
    images = {name: {x.tobytes() for x in part} for name, part in upright.items()}
    assert not images["pretrain"] & images["tune"]
    assert not images["pretrain"] & images["test"]
    assert not images["tune"] & images["test"]


@pytest.mark.thorough
def test_the_indices_belong_to_the_digits_of_scikit_learn(archive):
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    digits = datasets.load_digits()
    images = digits.images[..., None]
    for part, key in (("pretrain", "pretrain"), ("test", "upright_test")):
        np.testing.assert_array_equal(archive[f"{key}_x"], images[archive[f"{part}_index"]])
        np.testing.assert_array_equal(archive[f"{key}_y"], digits.target[archive[f"{part}_index"]])


def test_every_class_is_in_every_part_in_proportion(archive):
    for name in ("pretrain", "tune", "test"):
        labels = archive[f"{name}_y"]
        share = np.bincount(labels, minlength=10) / len(labels)
        assert np.abs(share - 0.1).max() < 0.01


def test_the_sensor_is_mounted_sideways(archive):
    turned = np.rot90(archive["upright_test_x"], axes=(1, 2))
    np.testing.assert_array_equal(archive["test_x"], turned)


def test_the_file_declares_its_own_preprocessing(archive, graph):
    data = load_data(FOLDER / "digits.npz", graph.input, targets=Targets("class", 10))
    assert data.preprocessing.scale == 1 / 16
    assert data.warnings == []
    np.testing.assert_array_equal(data.tune_x, quantized(archive, "tune_x"))


def test_the_model_is_small_and_has_all_kinds_of_trained_layers(graph):
    kinds = [operator.kind for operator in graph.operators]
    assert {"CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "FULLY_CONNECTED"} <= set(kinds)
    constants = sum(t.data.nbytes for t in graph.tensors if t.data is not None)
    assert constants < 8 * 1024
    assert max(t.size for t in graph.tensors if t.data is None) <= 1024


def test_the_model_reads_upright_digits(archive):
    assert accuracy(quantized(archive, "upright_test_x"), archive["upright_test_y"]) >= 0.90


def test_the_model_is_lost_on_sideways_digits(archive):
    assert accuracy(quantized(archive, "test_x"), archive["test_y"]) <= 0.45
