"""One job for the command line, Python and the pytest plugin, and the folder that it leaves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ci_project import demo_project, run  # noqa: F401
from cli_runner import BOARD, DATA, MODEL, ON_HOST, succeed
from float_builder import FloatBuilder
from notes import Notes

import edgetune as api
from edgetune.errors import DataError, DoesNotFitError, ModelError, UsageError
from edgetune.learn.recipe import Recipe
from edgetune.model.encode import encode
from edgetune.model.read import read_tflite

pytest_plugins = "pytester"
SOURCE = {"path": "d.npz", "scale": 1 / 4, "mean": 8.0, "class_names": None}
SETTINGS = {"samples": 10, "passes": 1}


@pytest.fixture(name="tiny")
def tiny_float_model(tmp_path, monkeypatch):
    """A folder with a float model of three classes, and uint8 data for it."""
    monkeypatch.chdir(tmp_path)
    build = FloatBuilder((1, 6, 6, 2), seed=3)
    graph = build.graph(build.dense(build.conv(build.input, 4, 3, stride=2, fused="RELU"), 3))
    Path("tiny.tflite").write_bytes(encode(graph))
    x = np.clip(build.samples(60) * 4 + 8, 0, 16).astype(np.uint8)
    y = np.arange(60) % 3
    np.savez("d.npz", tune_x=x[:40], tune_y=y[:40], test_x=x[40:], test_y=y[40:])
    return tmp_path


def left(folder: Path) -> dict:
    """What a run left: its files, and run.json."""
    record = json.loads((folder / "run.json").read_text())
    assert record.pop("begun") <= record.pop("ended")
    return {path.name for path in folder.iterdir()} - {"firmware"}, record


@pytest.mark.thorough
def test_python_leaves_what_the_command_line_leaves(tiny):
    """Of a float model: with its conversion."""
    result = api.Job("tiny.tflite", BOARD, data=SOURCE, device="host").tune(
        api.TuneSettings(**SETTINGS)
    )
    succeed("tune", "tiny.tflite", *ON_HOST, "--data", "d.npz", "--scale", 1 / 4, "--mean", 8,
            "--samples", 10, "--passes", 1, "--out", "there")
    files, record = left(tiny / "runs" / "0001-tiny")
    assert (files, record) == left(tiny / "there")
    assert files == {"run.json", "metrics.jsonl", "converted.tflite", "tuned.tflite", "state.bin",
                     "report.html", "predictions.npz"}
    assert record["model"]["file"] == "tiny.tflite" and record["conversion"]["samples"] == 40
    converted = read_tflite(tiny / "there" / "converted.tflite")
    assert record["model"]["sha256"] == converted.sha256
    assert record["result"]["digest"] == f"{result.digest:08x}"


@pytest.mark.thorough
def test_the_plugin_leaves_what_python_leaves(project):
    """Of an int8 model; the plugin's firmware is its session's."""
    settings = ", ".join(f"{name}={value}" for name, value in SETTINGS.items())
    run(project, (
        f"folder = edgetune_device.tune({settings}).folder\n"
        "import shutil\n"
        f"shutil.copytree(folder, {str(project.path / 'there')!r})"
    )).assert_outcomes(passed=1)
    job = api.Job(MODEL, BOARD, data=DATA, device="host", out=project.path / "here")
    job.tune(api.TuneSettings(**SETTINGS))
    (files, ours), (others, theirs) = (left(project.path / name) for name in ("here", "there"))
    ours["files"], theirs["files"] = (list(one["files"].values()) for one in (ours, theirs))
    assert files == others and ours.pop("command") != theirs.pop("command")  # of other folders
    assert ours == theirs


def test_a_float_model_is_converted_once_and_only_by_data(tiny):
    notes = Notes()
    job = api.Job("tiny.tflite", BOARD, data=SOURCE, reporter=notes)
    assert job.plan.program.classes == 3 and len(job.data.tune_y) == 40
    assert notes.said == ["Converting tiny.tflite to int8"]
    with pytest.raises(ModelError, match="float"):
        _ = api.Job("tiny.tflite", BOARD).graph
    with pytest.raises(UsageError, match="No data"):
        _ = api.Job("tiny.tflite", BOARD, data={"split": 0.5}).graph


def test_nothing_is_written_before_what_is_named_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError):
        api.Job(MODEL, BOARD, data="absent.npz", device="host").tune()
    with pytest.raises(UsageError, match="names no device"):
        api.Job(MODEL, BOARD, data=DATA, device="phone").tune()
    small = api.Job(MODEL, "stm32vldiscovery", data=DATA, device="qemu")
    with pytest.raises(DoesNotFitError):
        small.tune()
    assert not list(tmp_path.iterdir())


def test_a_job_takes_a_board_and_a_recipe(tmp_path):
    job = api.Job(MODEL, api.load_board(BOARD), Recipe(layers=("last",)))
    assert [layer.name for layer in job.plan.trained] == ["fully_connected_5"]
    assert job.conversion is None and job.title == "digits_int8"


def test_classes_and_warnings_are_noted(tiny):
    with np.load("d.npz") as data:
        arrays = dict(data)
    names = np.array(["cat", "dog", "cat"])  # of three classes
    arrays |= {name: names[arrays[name]] for name in ("tune_y", "test_y")}
    np.savez("d.npz", **arrays)
    notes = Notes()
    found = api.Job("tiny.tflite", BOARD, data=SOURCE, reporter=notes).data
    by_alphabet = "Classes: 0 cat, 1 dog, by alphabet; --classes gives the model's order."
    assert notes.said[1] == f"Warning: {by_alphabet}"
    assert found.warnings and notes.said[2:] == [f"Warning: {text}" for text in found.warnings]
    notes = Notes()
    _ = api.Job("tiny.tflite", BOARD, data=SOURCE | {"class_names": ("dog", "cat")},
                reporter=notes).data
    assert notes.said[1] == "Classes: 0 dog, 1 cat"
