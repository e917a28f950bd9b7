"""Trained weights back into the file: these bytes and no others, or a place of their own."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import tflite
from tflite_runs import run_in_tflite
from thinned import thinned
from tiny_tflite import ModelBuilder

from edgetune import files
from edgetune.errors import ModelError, UsageError
from edgetune.files import save_atomically
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.compare import same_but_for
from edgetune.model.encode import encode
from edgetune.model.extend import fields_of
from edgetune.model.kinds import WEIGHTED
from edgetune.model.read import read_tflite
from edgetune.model.write import BIAS, WEIGHTS, check_writable, read_weights, write_weights

DATA = Path(__file__).parents[3] / "shared" / "data"


def tiny() -> ModelBuilder:
    model = ModelBuilder((1, 6, 6, 2), seed=7)
    model.conv(4, 3, activation="RELU").conv(4, 1, groups=2).transposed(4, 3, 2)
    return model.depthwise(3).mean().dense(3)


def places_of(graph) -> list:
    return [(o.index, i) for o in graph.operators if o.kind in WEIGHTED for i in (WEIGHTS, BIAS)]


def new_weights(graph, seed=0, places=None) -> dict:
    """Other values for all weights and biases, or at some places."""
    random = np.random.default_rng(seed)
    old = {place: read_weights(graph, place) for place in places or places_of(graph)}
    return {
        place: random.integers(-100, 100, data.shape).astype(data.dtype)
        for place, data in old.items()
    }


def check_only_these_bytes_change(graph, weights) -> None:
    written = write_weights(graph, weights)
    before, after = (np.frombuffer(c, np.uint8) for c in (graph.content, written))
    assert len(before) == len(after)
    mine = np.zeros(len(before), bool)
    operators = {operator.index: operator for operator in graph.operators}
    for (index, which), values in weights.items():
        start = graph.tensors[operators[index].inputs[which]].offset
        mine[start : start + values.nbytes] = True
        assert written[start : start + values.nbytes] == values.tobytes()
    assert (before[~mine] == after[~mine]).all()
    assert (before[mine] != after[mine]).any()
    for place, values in weights.items():
        assert np.array_equal(read_weights(read_tflite(written), place), values)


def test_only_the_named_bytes_change():
    graph = read_tflite(tiny().build())
    weights = new_weights(graph)
    check_only_these_bytes_change(graph, weights)
    for place in weights:
        check_only_these_bytes_change(graph, {place: weights[place]})


@pytest.mark.parametrize("name", thinned(["har_int8", "mnist_int8", "kws_int8"], 3))
def test_real_models(name):
    path = DATA / f"{name}.tflite"
    if not path.exists():
        pytest.skip(f"{name}.tflite is not in ../shared/data")
    graph = read_tflite(path)
    assert write_weights(graph, {}) == path.read_bytes()
    weights = new_weights(graph)
    if all(len(o.inputs) == 3 and o.inputs[2] >= 0 for o in graph.operators if o.kind in WEIGHTED):
        check_only_these_bytes_change(graph, weights)


def test_tflite_runs_with_the_new_weights():
    pytest.importorskip("tflite_runtime", reason="tflite_runtime is not installed")
    model = tiny()
    graph = read_tflite(model.build())
    bias = graph.operators[-1].index, BIAS
    raised = read_weights(graph, bias) + np.array([100000, -100000, 0], np.int32)
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
        write_weights(graph, {(0, WEIGHTS): values})


@pytest.mark.parametrize("place", [(-1, 1), (9, 1), (0, 0), (0, 3), (1, 1)])
def test_what_is_no_weight_is_refused(place):
    graph = read_tflite(ModelBuilder((1, 4)).dense(3).softmax().build())
    with pytest.raises(ModelError, match="cannot be written"):
        write_weights(graph, {place: np.zeros((1, 4), np.int8)})


# ---- places of their own


def without_biases() -> ModelBuilder:
    """As TensorFlow leaves them out (-1), as the schema allows it (two inputs), and one kept."""
    model = ModelBuilder((1, 6, 6, 2), seed=3).conv(4, 3, activation="RELU")
    model.depthwise(3, bias=False).transposed(3, 2, 2, bias=False).mean()
    model.dense(5, bias=False, per_channel=False).no_bias()
    return model.dense(3, bias=False).softmax()


def zero_biases() -> ModelBuilder:
    model = ModelBuilder((1, 6, 6, 2), seed=4).conv(4, 3, activation="RELU").depthwise(3)
    return model.conv(4, 1).mean().dense(4).dense(3).softmax().zero_biases()


def one_tensor_twice() -> ModelBuilder:
    """A layer that a network goes through twice; its bias has no scale of its own."""
    model = ModelBuilder((1, 4), seed=5).dense(4).dense(4).dense(3).softmax()
    first, second = model.operators[:2]
    model.tensors[first.inputs[2]].scale = None
    second.inputs[1:] = first.inputs[1:]
    return model


def one_table_twice() -> ModelBuilder:
    """The same, by two numbers of one tensor's table."""
    model = one_tensor_twice()
    for number in (1, 2):
        spec = model.tensors[model.operators[1].inputs[number]]
        model.tensors.append(spec)
        model.operators[1].inputs[number] = len(model.tensors) - 1
    return model


def weights_that_are_an_operand() -> ModelBuilder:
    """Weights of a dense layer, in a buffer with what is added to its output."""
    model = ModelBuilder((1, 4), seed=6).dense(1)
    weights = model.tensors[model.operators[0].inputs[1]]
    operand = model.constant(np.ones(4))
    constant = model.tensors[operand[0]]
    constant.data, constant.shares = weights.data.reshape(4), weights
    return model.join("ADD", operand).dense(3)


KINDS = [
    without_biases, zero_biases, one_tensor_twice, one_table_twice, weights_that_are_an_operand,
]


@pytest.mark.parametrize("build", KINDS)
def test_a_place_of_its_own(build):
    """The written file holds the new values, and what our engine makes of them in the old
    model's Program, tflite-runtime makes of the file."""
    model = build()
    graph = read_tflite(model.build())
    weights = new_weights(graph)
    written = read_tflite(write_weights(graph, weights))
    for place, values in weights.items():
        assert np.array_equal(read_weights(written, place), values)
    assert same_but_for(graph, written, weights)
    inputs = model.random_inputs(20, seed=1)
    theirs = run_in_tflite(written.content, inputs)[0].reshape(20, -1)
    assert np.array_equal(theirs, outputs_with(graph, weights, inputs))
    assert len(np.unique(theirs)) > 3


def outputs_with(graph, weights, inputs) -> np.ndarray:
    learner = Learner(lower(graph), Recipe())
    for layer in learner.program.weighted_layers:
        layer.weights[...] = weights[layer.operator, WEIGHTS].reshape(layer.weights.shape)
        layer.bias[...] = weights[layer.operator, BIAS]
    return np.stack([learner.forward(x) for x in inputs])


@pytest.mark.parametrize("build", KINDS)
def test_the_old_file_follows_what_is_new(build):
    """All its bytes are there but for data and the numbers of buffers, and all data still lies
    where TFLite wants it."""
    graph = read_tflite(build().build())
    content = write_weights(graph, new_weights(graph))
    front = len(content) - len(graph.content)
    assert front > 0 and front % 16 == 0
    old, new = (np.frombuffer(c, np.uint8) for c in (graph.content, content[front:]))
    allowed = len(graph.tensors) * 4 + sum(
        t.data.nbytes for t in graph.tensors if t.data is not None
    )
    assert (old != new).sum() <= allowed
    assert all(t.offset % 16 == 0 for t in read_tflite(content).tensors if t.data is not None)


@pytest.mark.parametrize("build", KINDS)
def test_what_does_not_change_needs_no_place(build):
    graph = read_tflite(build().build())
    old = {place: read_weights(graph, place) for place in places_of(graph)}
    assert write_weights(graph, old) == graph.content


@pytest.mark.parametrize("build", thinned(KINDS, 3))
def test_one_of_those_that_share(build):
    """The others keep what they have."""
    graph = read_tflite(build().build())
    for place in places_of(graph):
        weights = new_weights(graph, places=[place])
        written = read_tflite(write_weights(graph, weights))
        for other in places_of(graph):
            wanted = weights.get(other, read_weights(graph, other))
            assert np.array_equal(read_weights(written, other), wanted)


def test_an_added_bias_has_the_scale_of_the_sums():
    graph = read_tflite(without_biases().build())
    written = read_tflite(write_weights(graph, new_weights(graph)))
    for operator in written.operators[1:3] + written.operators[4:6]:
        data, weights, bias = (written.tensors[i] for i in operator.inputs)
        product = data.quantization.scale * weights.quantization.scale
        assert bias.quantization.scale == pytest.approx(product, rel=1e-6)
        assert len(bias.quantization.scale) == len(weights.quantization.scale)
        assert not bias.quantization.zero_point.any() and bias.quantization.axis == 0
        assert bias.dtype == "int32" and bias.name == f"bias_{operator.index}"


def test_signatures_notes_and_versions_stay():
    graph = read_tflite(zero_biases().build())
    graph.metadata = {"min_runtime_version": b"1.14.0" + bytes(10), "note": b"kept"}
    graph = read_tflite(encode(graph))
    written = write_weights(graph, new_weights(graph))
    assert len(written) > len(graph.content)
    assert read_tflite(written).metadata == graph.metadata
    old, new = (tflite.Model.GetRootAs(c, 0) for c in (graph.content, written))
    assert new.Description() == old.Description()
    assert new.SignatureDefs(0).SignatureKey() == b"serving_default"
    assert new.SignatureDefs(0).Inputs(0).Name() == b"input"
    assert new.SignatureDefs(0).Outputs(0).TensorIndex() == graph.outputs[0]
    versions = [
        [m.OperatorCodes(i).Version() for i in range(m.OperatorCodesLength())] for m in (old, new)
    ]
    assert versions[0] == versions[1]
    assert new.Subgraphs(0).Name() == b"main"


def test_a_file_can_be_tuned_again():
    graph = read_tflite(zero_biases().build())
    once = read_tflite(write_weights(graph, new_weights(graph, seed=1)))
    check_only_these_bytes_change(once, new_weights(once, seed=2))
    some = {place: values for place, values in new_weights(graph).items() if place[0] < 2}
    part = read_tflite(write_weights(graph, some))
    twice = read_tflite(write_weights(part, new_weights(part, seed=3)))
    assert same_but_for(graph, twice, places_of(graph))
    assert not same_but_for(graph, twice, some)


# ---- files that cannot hold it


def of_a_newer_schema(model, monkeypatch):
    """The model's file with one more field in its root table."""

    def end(b):
        b.PrependInt32Slot(8, 7, 0)
        return b.EndObject()

    monkeypatch.setattr(tflite, "ModelStart", lambda b: b.StartObject(9))
    monkeypatch.setattr(tflite, "ModelEnd", end)
    return read_tflite(model.build())


def test_what_cannot_be_written_is_said_beforehand(monkeypatch):
    graph = of_a_newer_schema(zero_biases(), monkeypatch)
    with pytest.raises(ModelError, match="could not be written") as caught:
        check_writable(graph, places_of(graph))
    assert "newer TFLite schema" in caught.value.cause
    check_writable(graph, [(0, WEIGHTS)])  # needs no place of its own
    check_writable(of_a_newer_schema(tiny(), monkeypatch), places_of(graph)[:4])


@pytest.mark.parametrize("build", [tiny, *KINDS])
def test_what_can_be_written_is_not_refused(build):
    graph = read_tflite(build().build())
    check_writable(graph, places_of(graph))


def test_weights_that_are_also_a_note_of_the_file_are_refused():
    graph = read_tflite(tiny().build())
    graph.metadata = {"note": b"kept"}
    content = bytearray(encode(graph))
    note = tflite.Model.GetRootAs(content, 0).Metadata(0)._tab.Pos
    weights = read_tflite(content).operators[0].inputs[1]
    buffer = read_tflite(content).tensors[weights].buffer
    struct.pack_into("<I", content, fields_of(content, note)[1], buffer)
    graph = read_tflite(content)
    with pytest.raises(ModelError, match="could not be written"):
        check_writable(graph, [(0, WEIGHTS)])
    check_writable(graph, [(0, BIAS)])


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
