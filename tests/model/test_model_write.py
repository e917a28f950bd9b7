"""Trained weights back into the file: these bytes and no others."""

import os
from pathlib import Path

import numpy as np
import pytest
from tiny_tflite import ModelBuilder, run_in_tflite

from edgetune import files
from edgetune.errors import ModelError, UsageError
from edgetune.files import save_atomically
from edgetune.model.kinds import WEIGHTED
from edgetune.model.read import read_tflite
from edgetune.model.write import write_weights

DATA = Path(__file__).parents[3] / "shared" / "data"


def tiny() -> ModelBuilder:
    model = ModelBuilder((1, 6, 6, 2), seed=7)
    return model.conv(4, 3, activation="RELU").depthwise(3).mean().dense(3)


def new_weights(graph, seed=0) -> dict:
    """Other values for all weights and biases."""
    random = np.random.default_rng(seed)
    places = [i for o in graph.operators if o.kind in WEIGHTED for i in o.inputs[1:]]
    constants = {i: graph.tensors[i].data for i in places}
    return {
        i: random.integers(-100, 100, data.shape).astype(data.dtype)
        for i, data in constants.items()
    }


def check_only_these_bytes_change(graph, weights) -> None:
    written = write_weights(graph, weights)
    before, after = (np.frombuffer(c, np.uint8) for c in (graph.content, written))
    assert len(before) == len(after)
    mine = np.zeros(len(before), bool)
    for index, values in weights.items():
        start = graph.tensors[index].offset
        mine[start : start + values.nbytes] = True
        assert written[start : start + values.nbytes] == values.tobytes()
    assert (before[~mine] == after[~mine]).all()
    assert (before[mine] != after[mine]).any()
    for index, values in weights.items():
        assert np.array_equal(read_tflite(written).tensors[index].data, values)


def test_only_the_named_bytes_change():
    graph = read_tflite(tiny().build())
    weights = new_weights(graph)
    check_only_these_bytes_change(graph, weights)
    for index in weights:
        check_only_these_bytes_change(graph, {index: weights[index]})


@pytest.mark.parametrize("name", ["har_int8", "mnist_int8", "kws_int8"])
def test_real_models(name):
    path = DATA / f"{name}.tflite"
    if not path.exists():
        pytest.skip(f"{name}.tflite is not in ../shared/data")
    graph = read_tflite(path)
    assert write_weights(graph, {}) == path.read_bytes()
    check_only_these_bytes_change(graph, new_weights(graph))


def test_tflite_runs_with_the_new_weights():
    pytest.importorskip("tflite_runtime", reason="tflite_runtime is not installed")
    model = tiny()
    graph = read_tflite(model.build())
    bias = graph.operators[-1].inputs[2]
    raised = graph.tensors[bias].data + np.array([100000, -100000, 0], np.int32)
    inputs = model.random_inputs(3)
    before = run_in_tflite(graph.content, inputs)[0]
    after = run_in_tflite(write_weights(graph, {bias: raised}), inputs)[0]
    assert (after[..., 0] == 127).all() and (after[..., 1] == -128).all()
    assert np.array_equal(before[..., 2], after[..., 2])


@pytest.mark.parametrize(
    "values", [np.zeros((3, 4), np.int16), np.zeros((4, 3), np.int8), np.zeros((3, 4))]
)
def test_other_shapes_and_types_are_refused(values):
    graph = read_tflite(ModelBuilder((1, 4)).dense(3).build())
    with pytest.raises(ModelError, match="cannot be written"):
        write_weights(graph, {graph.operators[0].inputs[1]: values})


@pytest.mark.parametrize("index", [-1, 0, 99])
def test_activations_and_unknown_tensors_are_refused(index):
    graph = read_tflite(ModelBuilder((1, 4)).dense(3).build())
    with pytest.raises(ModelError, match="cannot be written"):
        write_weights(graph, {index: np.zeros((1, 4), np.int8)})


def test_shared_data_is_not_changed_behind_a_tensors_back():
    graph = read_tflite(ModelBuilder((1, 4)).dense(4).dense(4).build())
    first, second = (o.inputs[1] for o in graph.operators)
    graph.tensors[second].offset = graph.tensors[first].offset
    graph.tensors[second].data = graph.tensors[first].data
    values = np.ones((4, 4), np.int8)
    with pytest.raises(ModelError) as caught:
        write_weights(graph, {first: values})
    assert "shares its data" in caught.value.cause
    both = write_weights(graph, {first: values, second: values})
    assert both[graph.tensors[first].offset :][:16] == values.tobytes()


# ---- files


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "tuned.tflite"
    for content in (b"one", b"two"):
        save_atomically(path, content)
        assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["tuned.tflite"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    save_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["absent/file", "folder", "file/below"])
def test_a_bad_place_is_a_usage_error(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(UsageError, match="cannot be written"):
        save_atomically(tmp_path / name, b"new")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    path = tmp_path / "tuned.tflite"
    path.write_bytes(b"old")
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(UsageError) as caught:
        save_atomically(path, b"new")
    assert "No space left" in caught.value.cause
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["tuned.tflite"]
