"""``edgetune.tune`` on arrays and on paths: the command line's run, and what it gives back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from cli_runner import BOARD, DATA, MODEL, ON_HOST, succeed

import edgetune as api
from edgetune.data.arrays import Arrays
from edgetune.errors import DataError, UsageError
from edgetune.session.fit import _source, history_of

FEW = {"board": BOARD, "device": "host", "samples": 12}


@pytest.fixture(scope="module")
def arrays():
    with np.load(DATA) as held:
        return {name: held[name] for name in ("tune_x", "tune_y", "test_x", "test_y")}


@pytest.fixture(scope="module")
def runs(arrays, tmp_path_factory):
    """The same run from arrays, and on the command line."""
    folder = tmp_path_factory.mktemp("runs")
    test = arrays["test_x"][:60], arrays["test_y"][:60]
    x, y = arrays["tune_x"], arrays["tune_y"]
    np.savez(folder / "d.npz", tune_x=x, tune_y=y, test_x=test[0], test_y=test[1])
    given = api.tune(MODEL, x=x, y=y, test=test, scale=1 / 16, out=folder / "arrays", **FEW)
    words = ("--data", folder / "d.npz", "--scale", 1 / 16, "--samples", 12)
    succeed("tune", MODEL, *ON_HOST, *words, "--out", folder / "words")
    return given, folder / "words"


@pytest.mark.thorough
def test_arrays_leave_the_run_that_the_command_line_leaves(runs):
    given, words = runs
    ours, theirs = (json.loads((f / "run.json").read_text()) for f in (given.folder, words))
    for part in ("model", "board", "device", "recipe", "settings", "data", "plan", "guard"):
        assert ours[part] == theirs[part]
    for part in ("before", "after", "digest", "file_agrees"):
        assert ours["result"][part] == theirs["result"][part]
    logs = [(f / "metrics.jsonl").read_text() for f in (given.folder, words)]
    assert logs[0] == logs[1]
    assert "command" in theirs and "command" not in ours  # no line can name an array
    assert "on arrays" in (given.folder / "report.html").read_text()
    assert given.tuned.read_bytes() == (words / "tuned.tflite").read_bytes()


@pytest.mark.thorough
def test_what_comes_back(runs):
    given, _ = runs
    assert given.result.verified and given.result.steps == 24 and len(given.digest) == 8
    assert set(given.history) == {"loss", "accuracy"}
    steps = [json.loads(line) for line in (given.folder / "metrics.jsonl").open()]
    right = [step["prediction"] == step["label"] for step in steps]
    assert given.history["accuracy"] == [np.mean(right[:12]), np.mean(right[12:])]
    nats = -np.log([max(step["measure"], 0.5) / (1 << 15) for step in steps])
    np.testing.assert_allclose(given.history["loss"], [nats[:12].mean(), nats[12:].mean()])
    assert given.accuracy_after == given.result.after.accuracy


@pytest.mark.thorough
def test_a_notebook_shows_it_on_a_line_or_as_a_table(runs):
    given, _ = runs
    assert "\n" not in repr(given) and len(repr(given)) < 250 and "24 steps" in repr(given)
    assert len(repr(given.result)) < 120
    page = given._repr_html_()
    assert page.startswith("<table>") and given.digest in page and page.count("<tr>") >= 6


def test_what_is_learnt_by_values_has_a_loss_in_their_unit():
    from tiny_tflite import ModelBuilder

    from edgetune.plan.plan import make_plan

    graph = api.read_tflite(ModelBuilder((1, 6)).dense(3).build())
    plan = make_plan(graph, api.Recipe(loss="mse"), api.load_board(BOARD))
    unit = plan.program.activations[plan.program.logits].scale
    steps = [{"measure": 256 * n} for n in (1, 3, 5, 9)]
    np.testing.assert_allclose(history_of(plan, steps, 2)["loss"], [2 * unit, 7 * unit])
    assert history_of(plan, [], 2) == {}


def test_a_path_is_what_a_job_takes():
    assert _source("d.npz", None, None, 0.8) == {"path": "d.npz", "split": 0.8}
    with pytest.raises(UsageError, match="Windows|window"):
        api.tune(MODEL, board=BOARD, device="host", x=DATA, window=(0, 1))
    assert _source("x.npy", "y.npy", ("a.npy", "b.npy"), None) == {
        "path": "x.npy", "labels": "y.npy", "test": "a.npy", "test_labels": "b.npy",
    }


@pytest.mark.parametrize("given, words", [
    ({}, "No data"),
    ({"x": np.zeros((4, 3))}, "nothing to test on"),
    ({"x": "d.npz", "y": np.zeros(4)}, "x is a path and y is not"),
    ({"x": np.zeros((4, 3)), "test": "d.npz"}, "x is an array and test is a path"),
    ({"x": "d.npz", "test": (np.zeros(3), np.zeros(3))}, "test holds arrays"),
    ({"x": np.zeros((4, 3)), "test": np.zeros((4, 3))}, "no pair"),
])  # fmt: skip
def test_what_is_no_data_is_said(given, words):
    with pytest.raises(UsageError, match=words):
        api.tune(MODEL, board=BOARD, device="host", **given)


def test_arrays_are_checked_as_files_are(arrays):
    graph = api.read_tflite(MODEL)
    x, y = arrays["tune_x"], arrays["tune_y"]
    for held, words in (
        (Arrays([[1, 2], [3]], y), "tune_x|x is no array"), (Arrays(x, y[:5]), "500 samples"),
        (Arrays(x[:, :3], y), "the model takes"), (Arrays({"image": x}, y), "The data lacks"),
    ):
        with pytest.raises(DataError, match=words):
            api.load_data(held, graph.input, 0.5, api.Targets("class", 10), scale=1 / 16)
    with pytest.raises(UsageError, match="--part does not go with"):
        api.load_data(Arrays(x, y), graph.input, 0.5, part="a")


def test_keras_names_of_arrays(arrays, tmp_path):
    names = {"tune_x": "x_train", "tune_y": "y_train", "test_x": "x_test", "test_y": "y_test"}
    np.savez(tmp_path / "k.npz", **{names[name]: value for name, value in arrays.items()})
    graph, targets = api.read_tflite(MODEL), api.Targets("class", 10)
    data = api.load_data(tmp_path / "k.npz", graph.input, targets=targets, scale=1 / 16)
    expected = api.load_data(DATA, graph.input, targets=targets)
    for name in names:
        np.testing.assert_array_equal(getattr(data, name), getattr(expected, name))
    np.savez(tmp_path / "t.npz", x_train=arrays["tune_x"], y_train=arrays["tune_y"] + 90)
    with pytest.raises(DataError, match="y_train holds labels from 90"):
        api.load_data(tmp_path / "t.npz", graph.input, 0.5, targets, scale=1 / 16)
