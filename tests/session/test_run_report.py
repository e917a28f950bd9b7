"""The report of a run: all that its folder tells, in one page that needs nothing else."""

from __future__ import annotations

import json
import shlex
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from cli_runner import BOARD, DATA, MODEL, ON_HOST, edgetune
from notes import Notes
from shared_data import digits
from written_run import write_run

import edgetune as api
from edgetune.cli.main import main
from edgetune.learn.draws import BIAS_LIMIT, apply_steps
from edgetune.pages.boxes import Box, boxes
from edgetune.pages.charts import lines, stacked_bars
from edgetune.session import run_report
from edgetune.session.again import again_record, tune_words
from edgetune.session.changes import layer_changes
from edgetune.session.predictions import read_predictions
from edgetune.session.record import TuneSettings
from edgetune.session.run_report import write_report
from edgetune.session.run_report.log import MOST_POINTS, RunLog
from edgetune.session.run_report.run_page import run_page
from edgetune.session.simulation import new_learner

SVG = "{http://www.w3.org/2000/svg}"


class Page(HTMLParser):
    """Tags, links, and the text of headings and of all."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.headings: list[str] = []
        self.said = ""
        self._heading = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [v for k, v in attributes if k in ("src", "href", "xlink:href")]
        self._heading = tag == "h2"

    def handle_data(self, data):
        self.said += data
        if self._heading:
            self.headings.append(data)
            self._heading = False


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A run of the demo on this computer, with a further set."""
    path = tmp_path_factory.mktemp("run") / "r"
    said = edgetune("tune", MODEL, *ON_HOST, "--data", DATA, "--also", "tuned=:tune", "--samples",
                    40, "--passes", 1, "--out", path)
    assert said.code == 0, said.stderr
    return path


def test_every_run_leaves_a_page(folder):
    text = (folder / "report.html").read_text()
    page = Page(text)
    assert page.headings == [
        "Measures", "Learning", "Confusion", "Samples that changed", "Layers", "Costs", "Link",
        "To run it again",
    ]
    assert "script" not in page.tags and page.links == ["data:,"]
    assert page.tags.count("svg") == 7 == page.tags.count("figure")
    assert page.tags.count("summary") == 7 + 2 + 1  # each picture is a table too; which samples
    record = json.loads((folder / "run.json").read_text())
    for name in ("conv_2d_0", "tuned", record["command"], record["result"]["digest"],
                 record["files"][DATA], record["versions"]["numpy"]):
        assert name in page.said
    assert run_page(folder) == text  # nothing in it but what the folder holds


def test_what_the_record_tells_of_layers_is_so(folder):
    record = json.loads((folder / "run.json").read_text())
    lines_ = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    log = RunLog(folder / "metrics.jsonl", "class")
    log.update()
    assert log.steps == 40 and len(log.draws) == 4
    assert sum(log.draws) == sum(line["draws"] for line in lines_)
    right = [line["prediction"] == line["label"] for line in lines_]
    assert log.accuracy[-1] == (40, pytest.approx(np.mean(right)))
    assert [row["layer"] for row in record["layers"]] == record["trained"]
    assert all(0 < row["changed"] <= row["weights"] for row in record["layers"])
    assert record["link"]["bytes_sent"] > 40 * 64 and record["link"]["bad_frames"] == 0
    stages = len(record["plan"]["arena"]["stages"])
    for buffer in record["plan"]["arena"]["buffers"]:
        assert buffer["offset"] + buffer["size"] <= record["plan"]["arena_bytes"]
        assert 0 <= buffer["first"] <= buffer["last"] < stages


def test_what_became_of_every_sample_is_kept(folder):
    record = json.loads((folder / "run.json").read_text())
    found = read_predictions(folder / "predictions.npz")
    assert list(found) == ["test", "tuned"]
    for name, samples in found.items():
        result = record["result"]["test"] if name == "test" else record["result"]["also"][name]
        assert (samples.losses_after < samples.losses_before).sum() == result["won"]
        right = samples.predictions_after == samples.targets
        assert right.mean() == pytest.approx(result["after"]["value"])
        np.testing.assert_array_equal(right, samples.losses_after == 0)


def test_the_command_does_the_same_again(folder):
    """Its words, parsed by the verb, are the settings that the run had."""
    record = json.loads((folder / "run.json").read_text())
    words = shlex.split(record["command"])
    assert words[:3] == ["edgetune", "tune", MODEL]
    verb = main.get_command(None, "tune")
    context = verb.make_context("tune", words[2:], obj=type("Printer", (), {})())
    assert context.params["also"] == ("tuned=:tune",) and context.params["samples"] == 40
    job = api.Job(MODEL, BOARD, api.Recipe(layers=("last",), rate=2.0), {
        "path": DATA, "test_part": "test", "scale": (0.5, 2.0), "class_names": ("a", "b"),
    }, device="host", ram=4096, also={"old": "o.npz", "x": ":tune"}, store=True)
    settings = TuneSettings(3, None, 1, False, 0.1, True, "runs/1", 7, "1:0.01")
    words = tune_words(job, settings)
    params = verb.make_context("tune", words[2:], obj=type("Printer", (), {})()).params
    assert params["layers"] == ("last",) and params["rate"] == 2.0 and params["ram"] == 4096
    assert params["test_part"] == "test" and params["scale"] == (0.5, 2.0) and params["store"]
    assert params["classes"] == ("a", "b") and params["also"] == ("old=o.npz", "x=:tune")
    assert (params["seed"], params["passes"], params["no_verify"], params["guard"]) == (
        3, 1, True, "0.1"
    )
    assert params["endless"] and params["continued"] == "runs/1" and params["save_every"] == 7
    assert params["faults"] == "1:0.01"
    assert len(again_record(job, settings)["files"]) == 2


def test_a_run_that_fails_leaves_a_page_of_how_far_it_got(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = api.Job(MODEL, BOARD, data=DATA, device="host", out="r")

    class Stop(Notes):
        def progress(self, phase, done, total, accuracy=None):
            if phase == "learning" and done == 20:
                raise KeyboardInterrupt

    job.reporter = Stop()
    with pytest.raises(KeyboardInterrupt):
        job.tune(TuneSettings(samples=30, passes=1))
    page = Page(Path("r/report.html").read_text())
    assert "failed after 20 steps" in page.said and "Interrupted." in page.said
    assert "Learning" in page.headings and "Costs" in page.headings
    assert "mean change" in page.said  # of the weights that it had by then


def test_a_page_that_cannot_be_written_costs_no_run(tmp_path, monkeypatch):
    notes = Notes()
    monkeypatch.setattr(run_report, "save_atomically", lambda *_: 1 / 0)
    write_report(tmp_path, notes)
    assert notes.said == ["Warning: no report: ZeroDivisionError: division by zero"]


def test_a_folder_of_anything_has_a_page(tmp_path):
    """A run of an older release, a damaged record, none at all."""
    assert "unknown after 0 steps" in Page(run_page(tmp_path)).said
    for text in ("[]", "{", json.dumps({"format": 1, "status": "failed"})):
        (tmp_path / "run.json").write_text(text)
        (tmp_path / "metrics.jsonl").write_text('{"step": 0}\nnothing\n{"measure": "x"}\n')
        assert "No step was logged" in Page(run_page(tmp_path)).said


def test_names_from_files_are_text(tmp_path):
    write_run(tmp_path / "<b>", 10, classes=["<script>alert(1)</script>"] * 3)
    page = Page(run_page(tmp_path / "<b>"))
    assert "script" not in page.tags and "b" not in page.tags


def test_a_long_run_has_a_page_of_bounded_size(tmp_path):
    """10,000 steps: the curve is drawn at no more points than of a short run."""
    write_run(tmp_path, 10_000)
    log = RunLog(tmp_path / "metrics.jsonl", "class")
    log.update()
    assert log.steps == 10_000 and MOST_POINTS <= len(log.accuracy) <= 2 * MOST_POINTS
    assert log.accuracy[-1][0] == 10_000 and log.every == 16
    text = run_page(tmp_path)
    assert len(text.encode()) < 1 << 20
    assert "drawn every 16 steps and at the last of 10,000" in text


def test_a_log_is_read_as_it_grows(tmp_path):
    path = tmp_path / "metrics.jsonl"
    log = RunLog(path, "values")
    log.update()
    assert log.steps == 0 and not log.loss
    with open(path, "a") as file:
        for step in range(3):
            file.write(json.dumps({"step": step, "measure": 256 * step, "prediction": 0}) + "\n")
        file.write('{"step": 3, "mea')
        file.flush()
        log.update()
        assert log.steps == 3 and log.loss[-1] == (3, 1.0) and not log.accuracy
        file.write('sure": 1280, "prediction": 0}\n')
    log.update()
    assert log.loss[-1] == (4, 2.0)


def test_changes_are_counted():
    plan = api.make_plan(digits().graph, api.Recipe(), api.load_board(BOARD))
    before, after = new_learner(plan), new_learner(plan)
    layer = after.trained[0]
    weights = layer.weights.reshape(-1)  # a view
    weights[:3] = np.clip(weights[:3].astype(int), -100, 100)
    before.trained[0].weights[...] = layer.weights
    weights[0] += 4
    weights[1] -= 2
    layer.bias[0] += 9
    row = layer_changes(before, after)[0]
    assert (row["changed"], row["mean"], row["largest"]) == (2, 3.0, 4)
    assert (row["biases_changed"], row["largest_bias"]) == (1, 9)


def test_steps_beyond_a_bound_are_counted():
    """Of three weights at 127 one is pushed beyond, one is left and one goes down."""
    layer = new_learner(
        api.make_plan(digits().graph, api.Recipe(), api.load_board(BOARD))
    ).trained[0]
    layer.by_row(layer.weights)[0, :3] = 127
    layer.bias[0], layer.bias[1] = BIAS_LIMIT, BIAS_LIMIT
    steps = np.zeros((layer.rows, layer.row_size + 1), np.int64)
    steps[0, 0], steps[0, 2], steps[0, -1], steps[1, -1] = -1, 5, -3, 3
    assert apply_steps(layer, steps) == 2  # the weight, and the first bias
    assert layer.by_row(layer.weights)[0, :3].tolist() == [127, 127, 122]


def test_charts_hold_what_they_are_given():
    line = ElementTree.fromstring(lines("A curve", {"a": [(0, 0), (1, 3), (2, 1)]}, "step"))
    assert line.get("aria-label") == "A curve" and not list(line.iter(f"{SVG}script"))
    [path] = [e for e in line.iter(f"{SVG}path") if e.get("class", "").startswith("line reactive")]
    assert path.get("d").count(" ") >= 4
    bar = ElementTree.fromstring(stacked_bars("Bars", ["x", "y"], {"a": [1, 2], "b": [3, 0]}, "n"))
    assert len([e for e in bar.iter(f"{SVG}rect") if "rect" in e.get("class", "")]) == 4
    assert lines("A", {"a": [(0, 1.0)]}, "step") == lines("A", {"a": [(0, 1.0)]}, "step")
    drawn = ElementTree.fromstring(boxes(
        "B", [Box("a", "value", 0, 1, 0, 10), Box("b", "error", 1, 1, 10, 30)], 2, 40, "stages"
    ))
    _, second = [g.find("rect") for g in drawn.iter("g")]
    assert float(second.get("height")) == pytest.approx(225) and float(second.get("y")) == 0
