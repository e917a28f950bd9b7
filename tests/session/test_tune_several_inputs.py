"""Models of several inputs all the way: data by input, the device, and the tuned file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from branching import two_inputs
from cli_runner import BOARD, ON_HOST, edgetune, refused, succeed
from float_builder import FloatBuilder
from tiny_tflite import ModelBuilder

import edgetune as api
from edgetune.ci.project import Project
from edgetune.ci.settings import job_of
from edgetune.errors import UsageError
from edgetune.learn.losses import LossChoice
from edgetune.learn.lower import lower
from edgetune.model.decode import decode
from edgetune.model.encode import encode
from edgetune.model.read import read_tflite

RUN = api.TuneSettings(passes=1)


def float_model() -> bytes:
    b = FloatBuilder((1, 7, 5, 3), seed=4)
    measured = b.dense(b.another_input("measured", (1, 7)), 6)
    x = b.both("ADD", b.mean(b.conv(b.input, 6, 3, fused="RELU")), measured, "RELU")
    return encode(b.graph(b.dense(x, 4)))


MODELS = {"int8": lambda: two_inputs().build(), "float": float_model}


@pytest.fixture(name="folder")
def folder_with_models_and_data(tmp_path, monkeypatch):
    """An archive for all inputs; the model's own name stands for its first one."""
    monkeypatch.chdir(tmp_path)
    for name, build in MODELS.items():
        Path(f"{name}.tflite").write_bytes(build())
    random, arrays = np.random.default_rng(0), {}
    for part in ("tune", "test"):
        arrays[f"{part}_input"] = random.uniform(-3, 3, (40, 7, 5, 3)).astype(np.float32)
        arrays[f"{part}_measured"] = random.uniform(-1.1, 1.6, (40, 7)).astype(np.float32)
        arrays[f"{part}_y"] = random.integers(0, 4, 40)
    np.savez("d.npz", **arrays)
    np.save("measured.npy", arrays["tune_measured"][0])
    return tmp_path


@pytest.mark.thorough
@pytest.mark.parametrize("model", [
    "int8", pytest.param("float", marks=pytest.mark.thorough),
])
def test_all_inputs_come_from_the_data(folder, model):
    """The device equals numpy after every step, and tflite-runtime runs the tuned file alike."""
    job = api.Job(f"{model}.tflite", BOARD, data="d.npz", device="host", out="run")
    result = job.tune(RUN)
    assert result.verified and result.steps == 40
    assert result.file_agrees in (40, None) and not result.file_fault
    tuned = read_tflite(folder / "run" / "tuned.tflite")
    assert tuned.input_names == ["input", "measured"] and tuned.input.shape == (1, 112)
    assert len(decode(tuned.content).inputs) == 2


@pytest.mark.thorough
@pytest.mark.parametrize("model", MODELS)
def test_one_input_is_a_constant(folder, model):
    """Written into edgetune.toml and called for a test, it is what it is on the command line."""
    words = "--data", "d.npz", "--passes", 1, "--input", "measured=measured.npy"
    there = succeed("tune", f"{model}.tflite", *ON_HOST, *words, "--out", "there")
    record = json.loads(Path("there/run.json").read_text())
    assert record["recipe"]["inputs"] == {"measured": "measured.npy"}
    assert read_tflite("there/tuned.tflite").input_names == ["input"]
    Path("edgetune.toml").write_text('inputs = ["measured=measured.npy"]\ndata = "d.npz"\n')
    here = succeed("tune", f"{model}.tflite", *ON_HOST, "--passes", 1, "--out", "here")
    assert here["digest"] == there["digest"] and there["file_agrees"] in (40, None)
    settings = Project(folder).with_settings({"model": f"{model}.tflite"})
    job = job_of(api.load_board(BOARD), settings, "host")
    assert job.recipe.inputs == (("measured", str(folder / "measured.npy")),)
    assert job.graph.sha256 == record["model"]["sha256"] or job.conversion


@pytest.mark.thorough
def test_inspect_shows_each_input(folder):
    inputs = succeed("inspect", "int8.tflite")["inputs"]
    assert [(i["name"], i["shape"]) for i in inputs] == [
        ("input", [1, 7, 5, 3]), ("measured", [1, 7]),
    ]
    assert [i["scale"] for i in inputs] == pytest.approx([1 / 40, 1 / 90])
    text = edgetune("inspect", "int8.tflite", "--input", "measured=1").stdout
    assert "input: input 1x7x5x3" in text and "measured" not in text and "(folded)" in text
    error = refused("inspect", "int8.tflite", "--input", "mesaured=1")
    assert error["exit_code"] == 2 and "'measured'" in error["cause"]


def test_conversion_measures_each_input(folder):
    found = succeed("convert", "float.tflite", "-o", "o.tflite", "--data", "d.npz")["report"]
    assert [row["tensor"] for row in found["layers"][:2]] == ["input", "measured"]
    assert found["accuracy"]["agreement"] > 0.8
    graph = read_tflite("o.tflite")
    scales = [t.quantization.scale[0] for t in graph.input_tensors]
    assert scales[0] == pytest.approx(6 / 255, rel=0.1) and scales[1] < scales[0] / 2


def test_an_int8_file_takes_its_constants_along(folder):
    succeed("convert", "int8.tflite", "-o", "o.tflite", "--input", "measured=measured.npy")
    assert read_tflite("o.tflite").content == read_tflite(
        "int8.tflite", inputs={"measured": "measured.npy"}
    ).content


def test_no_input_is_given_back_by_a_model_of_several():
    """Also where the output is as long as a sample, or as the first input."""
    for units in (6, 13):
        b = ModelBuilder((1, 6)).dense(4)
        own = b.save()
        graph = read_tflite(b.another_input("other", (1, 7)).dense(4).join("ADD", own).dense(units)
                            .build())
        assert lower(graph).loss.name == "softmax"
        with pytest.raises(UsageError) as caught:
            lower(graph, LossChoice("reconstruction"))
        assert "several inputs" in caught.value.cause
