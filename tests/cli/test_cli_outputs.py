"""Models with several outputs from the command line, and as a job."""

from __future__ import annotations

import json

import click
import numpy as np
import pytest
from cli_runner import BOARD, ON_HOST, edgetune, refused, succeed
from decoders import decoded, network
from several_outputs import NAMES, float_heads_file, three_heads, three_heads_file
from streaming_files import StreamBuilder
from tflite_runs import run_in_tflite
from tflite_writer import serialise

from edgetune.boards import load_board
from edgetune.ci.settings import job_of
from edgetune.cli.options import recipe_options
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.session.again import recipe_words
from edgetune.session.job import Job

COUNT = 24
TUNE = ("tune", "m.tflite", *ON_HOST, "--data", "d.npz", "--passes", "1")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.tflite").write_bytes(three_heads_file())
    (tmp_path / "f.tflite").write_bytes(float_heads_file())
    x = three_heads().random_inputs(COUNT, seed=6)[:, 0]
    y = np.arange(COUNT) % 4
    np.savez("d.npz", tune_x=x[:12], tune_y=y[:12], test_x=x[12:], test_y=y[12:])
    np.save("x.npy", x / 64)
    np.savez("f.npz", tune_x=x / 64, tune_y=y % 3, test_x=x / 64, test_y=y % 3)
    return tmp_path


# ---- inspect


def test_inspect_shows_each_output_and_what_it_would_learn():
    outcome = edgetune("inspect", "m.tflite")
    assert outcome.code == 8 and "4 outputs" in outcome.stderr
    rows = {line.split()[1]: line for line in outcome.stdout.splitlines() if line[:1].isdigit()}
    assert list(rows) == list(NAMES)
    assert "1 label, sigmoid loss" in rows["alive"] and "1x3" in rows["colour"]
    document = edgetune("inspect", "m.tflite", "--json").json()
    assert document["error"]["exit_code"] == 8
    outputs = document["result"]["outputs"]
    assert [o["totals"]["operators"] for o in outputs] == [5, 4, 2, 1]
    assert [o["problem"] for o in outputs] == [None] * 4


def test_inspect_of_a_float_model_too():
    document = edgetune("inspect", "f.tflite", "--json").json()
    assert [o["learns"] for o in document["result"]["outputs"]] == [
        "3 classes, softmax loss", "1 label, sigmoid loss",
    ]


def test_inspect_says_what_is_left_to_the_firmware(folder):
    (folder / "decoded.tflite").write_bytes(decoded(network()))
    said = edgetune("inspect", "decoded.tflite").stdout.replace("\n", " ")
    assert "ARG_MAX at the end is left to your firmware" in said
    facts = edgetune("inspect", "decoded.tflite", "--json").json()["result"]
    assert facts["decoding"] == ["ARG_MAX"]


def test_inspect_says_how_long_a_streaming_model_looks_back(folder):
    content = StreamBuilder(2, 3).remember(3).dense(2).build()
    (folder / "stream.tflite").write_bytes(content)
    said = edgetune("inspect", "stream.tflite").stdout.replace("\n", " ")
    assert "its whole window, 5 frames, of which a call of the file takes 2" in said
    facts = edgetune("inspect", "stream.tflite", "--json").json()["result"]
    assert facts["frames"] == {"window": 5, "call": 2}


def test_an_output_that_cannot_be_used_says_why(folder):
    model = three_heads()
    model.unary("SIN")
    (folder / "m.tflite").write_bytes(
        serialise(model.tensors, model.operators, [model.current, model.ends[2]])
    )
    outcome = edgetune("inspect", "m.tflite")
    assert outcome.code == 8 and "Output 0 cannot be used" in outcome.stdout
    assert "SIN" in outcome.stdout and "Output 1 cannot" not in outcome.stdout


@pytest.mark.thorough
def test_inspect_of_one_of_them():
    facts = succeed("inspect", "m.tflite", "--output", "alive")
    assert facts["output"]["name"] == "alive" and facts["totals"]["operators"] == 4
    assert facts["other_outputs"] == ["colour", "digits", "inner"]
    said = edgetune("inspect", "m.tflite", "--output", "alive").stdout
    assert "other outputs are left out" in said and "'inner'" in said
    assert "--output colour -o" in edgetune("inspect", "f.tflite", "--output", "colour").stdout


# ---- what is refused


@pytest.mark.parametrize("verb", [
    ("plan", "m.tflite", "--board", BOARD), ("convert", "m.tflite", "-o", "o.tflite"), TUNE,
    ("convert", "f.tflite", "-o", "o.tflite", "--data", "f.npz"),
])
def test_without_a_choice_all_are_named(verb, folder):
    error = refused(*verb)
    assert error["error"] == "ModelError" and error["exit_code"] == 8
    assert "'alive' [1, 1], 1 label, sigmoid loss" in error["cause"]
    assert "--output" in error["next_step"] and not (folder / "o.tflite").exists()


def test_an_unknown_one_is_a_wrong_option():
    error = refused("plan", "m.tflite", "--board", BOARD, "--output", "smell")
    assert error["exit_code"] == 2 and "'digits'" in error["cause"]


# ---- plan, tune, convert, settings


def test_plan_says_what_becomes_of_the_others():
    verb = ("plan", "m.tflite", "--board", BOARD, "--output", "digits")
    facts = succeed(*verb)
    assert facts["changing_outputs"] == ["colour", "alive", "inner"]
    assert facts["kept_outputs"] == [] and facts["recipe"]["output"] == "digits"
    assert "others change: 'colour', 'alive', 'inner'" in edgetune(*verb).stdout
    assert succeed(*verb, "--train", "last")["kept_outputs"] == ["colour", "alive", "inner"]
    assert "stay as they are: 'colour'" in edgetune(*verb, "--train", "last").stdout


@pytest.mark.thorough
def test_a_device_learns_the_chosen_one_and_the_file_has_all(folder):
    result = succeed(*TUNE, "--output", "digits", "--out", "run")
    assert result["verified"] and result["file_agrees"] in (12, None)
    record = json.loads((folder / "run" / "run.json").read_text())
    assert record["recipe"]["output"] == "digits" and not record["result"]["file_fault"]
    tuned = (folder / "run" / "tuned.tflite").read_bytes()
    x = three_heads().random_inputs(4, seed=2)
    before, after = (run_in_tflite(c, x) for c in (three_heads_file(), tuned))
    assert [b.shape for b in before] == [a.shape for a in after]
    assert not np.array_equal(before[2], after[2])
    rows = succeed("weights", "diff", "m.tflite", "run/tuned.tflite", "--output", "2")["layers"]
    assert len(rows) == 2 and all(row["changed_weights"] for row in rows)


@pytest.mark.thorough
def test_a_float_model_learns_the_chosen_one():
    verb = ("tune", "f.tflite", *ON_HOST, "--data", "f.npz", "--passes", "1", "--output", "0",
            "--scale", "1", "--out", "run")
    outcome = edgetune(*verb)
    assert outcome.code == 0, outcome.stderr
    assert "left out: 'alive'" in outcome.stdout
    assert read_tflite("run/tuned.tflite").output.size == 3


@pytest.mark.parametrize("model, data", [("m", ()), ("f", ("--data", "x.npy"))])
def test_convert_says_what_it_leaves_out(model, data):
    verb = ("convert", f"{model}.tflite", "-o", "o.tflite", "--output", "alive", *data)
    outcome = edgetune(*verb, "--report", "page.html")
    assert outcome.code == 0, outcome.stderr
    assert "left out: 'colour'" in outcome.stdout
    with open("page.html", encoding="utf-8") as page:
        assert "left out: &#x27;colour" in page.read()
    graph = read_tflite("o.tflite")
    assert graph.output.size == 1 and not graph.other_outputs
    assert "colour" in succeed(*verb)["report"]["left_out"]


@pytest.mark.thorough
def test_edgetune_toml_and_the_tests_of_a_pipeline_choose_too(folder):
    (folder / "edgetune.toml").write_text("output = 2\n")
    assert succeed("plan", "m.tflite", "--board", BOARD)["loss"] == "softmax"
    assert succeed("inspect", "m.tflite")["output"]["name"] == "digits"
    for wanted in (2, "2", "digits"):
        job = job_of(load_board(BOARD), {"model": "m.tflite", "output": wanted})
        assert job.graph.output.name == "digits"
    assert Job("m.tflite", BOARD, Recipe(output="alive")).graph.output.name == "alive"
    assert recipe_words(Recipe(output=2)) == ["--output", "2"]


def test_a_rules_constants_are_options_and_settings():
    recipe = Recipe(rule="multinomial", rate=2.0, null_mass=0.5)
    words = ["--rule", "multinomial", "--rate", "2.0", "--null-mass", "0.5"]
    assert recipe_words(recipe) == words

    @recipe_options
    def verb(recipe):
        return recipe

    assert click.command()(verb).main(words, standalone_mode=False) == recipe
    settings = {"model": "m.tflite", "rule": "multinomial", "rate": "2", "null_mass": "0.5"}
    assert job_of(load_board(BOARD), settings).recipe == recipe
