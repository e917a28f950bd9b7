"""The main job on a device: it learns, its weights come back, and the file is the device."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from shared_data import digits, reference_outputs
from tiny_tflite import ModelBuilder

from edgetune.boards import load_board
from edgetune.data import Dataset
from edgetune.data.preprocessing import Preprocessing
from edgetune.errors import AccuracyGateError, DivergenceError, LinkError, ModelError, UsageError
from edgetune.learn.losses import SigmoidCrossEntropy, SquaredError
from edgetune.learn.losses.sigmoid_cross_entropy import sigmoid_table
from edgetune.learn.recipe import BIASES, Recipe
from edgetune.measures import Measure
from edgetune.model.compare import same_but_for
from edgetune.model.read import read_tflite
from edgetune.model.write import BIAS, WEIGHTS, read_weights, write_weights
from edgetune.plan.plan import make_plan
from edgetune.session import running, tuned_file, tuning
from edgetune.session.connection import check_identity, connect
from edgetune.session.evaluation import check_accuracy, refuse_without_accuracy
from edgetune.session.firmware import build_firmware
from edgetune.session.reporter import Reporter
from edgetune.session.run_folder import RunFolder
from edgetune.session.tuning import (
    TuneSettings,
    check_tuned_file,
    trained_places,
    tune,
)
from edgetune.session.weights import diff, pull, push

TABLE = sigmoid_table(0.1, 0)


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    """The demo's firmware for this computer."""
    plan = make_plan(digits().graph, Recipe(), load_board("stm32f4-discovery"))
    return build_firmware(plan, tmp_path_factory.mktemp("native"), "digits", native=True)


def run(firmware, device, folder, test=60, **settings):
    """``test``: the samples of the test set, from the first."""
    task = digits()
    data = replace(task.data, test_x=task.data.test_x[:test], test_y=task.data.test_y[:test])
    out = RunFolder(folder)
    try:
        result = tune(firmware, device, data, TuneSettings(**settings), out)
    finally:
        out.close()
    return task, result, out


@pytest.mark.thorough
def test_the_tuned_file_predicts_what_the_device_predicts(native, tmp_path):
    task, result, out = run(native, "host", tmp_path, test=None, samples=250, passes=2)
    assert result.accuracy_before < 0.45 and result.accuracy_after > 0.8
    tuned = read_tflite(out.tuned)
    theirs = reference_outputs(tuned, task.data.test_x).argmax(axis=1)
    np.testing.assert_array_equal(theirs, result.predictions)
    assert result.file_agrees == len(result.predictions)


@pytest.mark.thorough
def test_a_run_without_an_end_does_not_slow_down(native, tmp_path):
    """Annealed, the last step of 100 draws a hundredth of what it draws here; both are verified
    against the simulation."""
    drawn = {}
    for endless in (True, False):
        _, result, out = run(native, "host", tmp_path / str(endless), samples=100, passes=1,
                             endless=endless)
        lines = (out.path / "metrics.jsonl").read_text().splitlines()
        drawn[endless] = sum(json.loads(line)["draws"] for line in lines[-10:])
        assert result.verified and (int.from_bytes(result.state[12:16], "little") == 0) == endless
    assert drawn[True] > 5 * drawn[False]


@pytest.mark.thorough
def test_only_trained_constants_change(native, tmp_path):
    task, result, out = run(native, "host", tmp_path, samples=50, passes=1)
    before, after = task.graph.content, out.tuned.read_bytes()
    operators = {operator.index: operator for operator in task.graph.operators}
    trained = {operators[index].inputs[i] for index, i in trained_places(native.plan)}
    same = np.frombuffer(before, np.uint8) == np.frombuffer(after, np.uint8)
    for index in trained:
        tensor = task.graph.tensors[index]
        same[tensor.offset : tensor.offset + tensor.data.nbytes] = True
    assert same.all() and before != after


def test_the_run_folder_tells_the_run(native, tmp_path):
    _, result, out = run(native, "host", tmp_path, samples=20, passes=1)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(20))
    assert lines[-1]["digest"] == result.digest
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["result"]["digest"] == f"{result.digest:08x}" and record["device"] == "host"
    assert record["model"] == {"file": None, "sha256": digits().graph.sha256}
    assert RunFolder.fresh(tmp_path, "a").path.name == "0001-a"
    assert RunFolder.fresh(tmp_path, "b").path.name == "0002-b"


@pytest.mark.thorough
def test_the_same_seed_gives_the_same_run(native, tmp_path):
    first = run(native, "host", tmp_path / "a", samples=30, seed=5)[1]
    second = run(native, "host", tmp_path / "b", samples=30, seed=5)[1]
    other = run(native, "host", tmp_path / "c", samples=30, seed=6)[1]
    assert first.digest == second.digest != other.digest


@pytest.mark.thorough
def test_on_an_emulated_board(tmp_path):
    for tool in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    plan = make_plan(digits().graph, Recipe(), load_board("stm32f4-discovery"))
    firmware = build_firmware(plan, tmp_path / "firmware", "digits")
    _, result, _ = run(firmware, "qemu", tmp_path, samples=150, passes=1)
    assert result.verified
    assert result.file_agrees in (None, len(result.predictions))  # None: no tflite-runtime
    assert 0 < result.stats.stack_used < result.stats.stack_bytes
    assert result.stats.rx_overruns == 0


def test_a_device_that_computes_otherwise_is_named(native, tmp_path):
    """The simulation is given another rate than the firmware was built with: of the first sample
    both only take the measure."""
    other = make_plan(digits().graph, Recipe(rate=3.0), native.plan.board)
    with pytest.raises(DivergenceError, match="at step 2"):
        run(replace(native, plan=other), "host", tmp_path, samples=20)


def test_a_device_with_another_build_is_refused(native, tmp_path):
    other = replace(native, project=replace(native.project, build_id=1))
    with pytest.raises(LinkError, match="other firmware"):
        run(other, "host", tmp_path, samples=20)


def test_a_device_that_names_other_sizes_is_refused_before_it_is_read(native):
    """Such as a state of 4 GB, under the ids of this very build."""
    with connect(native, "host", Reporter()) as client:
        info = client.info
    check_identity(info, native)
    sizes = ("input_bytes", "output_bytes", "target_bytes", "state_bytes", "frame_max", "reply_max")
    for name in sizes:
        with pytest.raises(LinkError, match="not its sizes") as caught:
            check_identity(replace(info, **{name: 0xFFFFFFFF}), native)
        assert f"{name}: 4,294,967,295, planned" in caught.value.cause


def test_the_accuracy_gate():
    half = Measure("accuracy", 0.5, higher_is_better=True)
    check_accuracy(half, None)
    check_accuracy(half, 0.5)
    with pytest.raises(AccuracyGateError):
        check_accuracy(half, 0.99)


def test_an_accuracy_is_asked_of_what_predicts_alone():
    values, label = SquaredError(1, 0.1, 0), SigmoidCrossEntropy(1, probabilities=TABLE)
    labels = SigmoidCrossEntropy(3, probabilities=TABLE)
    refuse_without_accuracy(label, 0.5)
    for loss in (values, labels):
        refuse_without_accuracy(loss, None)
        with pytest.raises(UsageError, match="this model has none"):
            refuse_without_accuracy(loss, 0.5)


@pytest.mark.thorough
def test_weights_pulled_and_pushed(native, tmp_path):
    task, result, out = run(native, "host", tmp_path, samples=50, passes=1)
    tuned = out.tuned.read_bytes()
    with connect(native, "host", Reporter()) as client:
        client.start(0, 0)
        assert pull(client, native.plan) == task.graph.content
        push(client, native.plan, tuned)
        assert pull(client, native.plan) == tuned
    changed = {d.layer: d.changed_weights for d in diff(task.graph, read_tflite(tuned))}
    assert list(changed) == [layer.name for layer in native.plan.trained]
    assert all(changed.values())


# ---- models whose file has no place for what is trained


def without_biases() -> ModelBuilder:
    model = ModelBuilder((1, 8), seed=1).dense(12, activation="RELU", bias=False)
    return model.dense(10, activation="RELU", bias=False).no_bias().dense(4, bias=False).softmax()


def zero_biases() -> ModelBuilder:
    model = ModelBuilder((1, 8), seed=2).dense(10, activation="RELU").dense(10, activation="RELU")
    return model.dense(10, activation="RELU").dense(4).softmax().zero_biases()


def layer_twice() -> ModelBuilder:
    model = zero_biases()
    model.operators[2].inputs[1:] = model.operators[1].inputs[1:]
    model.tensors[model.operators[1].inputs[2]].scale = None
    return model


OTHERS = zero_biases, layer_twice


def clusters(shape, seed=3) -> Dataset:
    """Four classes, each around a point of its own."""
    random = np.random.default_rng(seed)
    labels = np.arange(120) % 4
    points = random.normal(0, 60, (4, *shape))
    x = np.clip(points[labels] + random.normal(0, 25, (120, *shape)), -128, 127).astype(np.int8)
    return Dataset(x[:80], labels[:80], x[80:], labels[80:], Preprocessing())


def small_plan(model: ModelBuilder, recipe: Recipe = Recipe()):
    return make_plan(read_tflite(model.build()), recipe, load_board("stm32f4-discovery"))


def tuned_small(firmware, folder):
    out = RunFolder(folder)
    try:
        data = clusters(firmware.plan.program.graph.input.shape[1:])
        return tune(firmware, "host", data, TuneSettings(), out), out
    finally:
        out.close()


@pytest.mark.parametrize("build", [
    without_biases, *(pytest.param(b, marks=pytest.mark.thorough) for b in OTHERS)
])  # fmt: skip
def test_the_file_is_the_network_that_was_trained(build, tmp_path):
    firmware = build_firmware(small_plan(build()), tmp_path / "firmware", "small", native=True)
    result, out = tuned_small(firmware, tmp_path)
    assert result.accuracy_after > result.accuracy_before + 0.3
    check_tuned_file(result, out)
    graph, tuned = firmware.plan.program.graph, read_tflite(out.tuned)
    inputs = clusters(graph.input.shape[1:]).test_x
    predictions = reference_outputs(tuned, inputs).argmax(axis=1)
    np.testing.assert_array_equal(predictions, result.predictions)
    assert result.file_agrees == len(result.predictions) and not result.no_judge
    rows = diff(graph, tuned)
    assert [row.layer for row in rows] == [layer.name for layer in firmware.plan.trained]
    assert sum(row.changed_biases > 0 for row in rows) > 1
    with connect(firmware, "host", Reporter()) as client:
        client.start(0, 0)
        assert pull(client, firmware.plan) == graph.content
        push(client, firmware.plan, tuned.content)
        assert pull(client, firmware.plan) == tuned.content


@pytest.mark.thorough
@pytest.mark.parametrize("build", [without_biases, *OTHERS])
def test_biases_alone_change_nothing_else_in_the_file(build, tmp_path):
    """A bias that the file lacks, or that others share, gets a place of its own."""
    firmware = build_firmware(
        small_plan(build(), Recipe(BIASES, rule="fixed")), tmp_path / "firmware", "small",
        native=True,
    )
    result, out = tuned_small(firmware, tmp_path)
    check_tuned_file(result, out)
    graph, tuned = firmware.plan.program.graph, read_tflite(out.tuned)
    places = trained_places(firmware.plan)
    assert places == [(layer.operator, BIAS) for layer in firmware.plan.trained]
    assert same_but_for(graph, tuned, places) and not same_but_for(graph, tuned, places[:-1])
    rows = diff(graph, tuned)
    assert not any(row.changed_weights for row in rows)
    assert all(row.changed_biases for row in rows)
    assert result.file_agrees == len(result.predictions) and result.verified
    with connect(firmware, "host", Reporter()) as client:
        client.start(0, 0)
        assert pull(client, firmware.plan) == graph.content
        push(client, firmware.plan, tuned.content)
        assert pull(client, firmware.plan) == tuned.content


def test_a_file_with_other_weights_is_not_pushed_where_biases_learn():
    plan = small_plan(zero_biases(), Recipe(BIASES))
    graph, place = plan.program.graph, (plan.trained[1].operator, WEIGHTS)
    content = write_weights(graph, {place: -read_weights(graph, place)})
    with pytest.raises(ModelError, match="not a tuned version"):
        push(None, plan, content)


@pytest.mark.parametrize("build", [without_biases, layer_twice])
def test_another_model_is_not_pushed(build):
    with pytest.raises(ModelError, match="not a tuned version"):
        push(None, small_plan(zero_biases()), build().build())


@pytest.mark.thorough
def test_what_the_file_cannot_hold_is_said_before_the_run(native, tmp_path, monkeypatch):
    def refuse(graph, places):
        assert graph is native.plan.program.graph and places == trained_places(native.plan)
        raise ModelError("It could not be written.")

    monkeypatch.setattr(tuning, "check_writable", refuse)
    monkeypatch.setattr(running, "connect", lambda *others: pytest.fail("the device was started"))
    with pytest.raises(ModelError, match="could not be written"):
        run(native, "host", tmp_path, samples=20)
    assert not (tmp_path / "tuned.tflite").exists()


def test_a_file_that_is_another_network_is_an_error(native, tmp_path, monkeypatch):
    """After everything is saved; here the file is left as it was."""
    pytest.importorskip("tflite_runtime", reason="tflite-runtime is for Python up to 3.11")
    monkeypatch.setattr(tuned_file, "write_weights", lambda graph, weights: graph.content)
    _, result, out = run(native, "host", tmp_path, samples=100, passes=1)
    assert out.tuned.is_file() and result.file_agrees < len(result.predictions)
    with pytest.raises(DivergenceError, match="not the network that the device trained") as caught:
        check_tuned_file(result, out)
    assert "predictions" in caught.value.cause and str(out.tuned) in caught.value.next_step
