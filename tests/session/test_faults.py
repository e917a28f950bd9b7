"""`tune --faults`, and the table of what a bad line costs, on the device of this computer."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from notes import Notes
from tiny_tflite import ModelBuilder

from edgetune.boards import load_board
from edgetune.data import Dataset
from edgetune.data.preprocessing import Preprocessing
from edgetune.device.faults import FaultRates
from edgetune.device.host import HostDevice
from edgetune.errors import UsageError
from edgetune.guard import NONE
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan
from edgetune.session.connection import connect
from edgetune.session.firmware import build_firmware
from edgetune.session.job import Job
from edgetune.session.run_folder import RunFolder
from edgetune.session.tuning import TuneSettings, tune

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tools import line_faults  # noqa: E402


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    graph = read_tflite(ModelBuilder((1, 6, 6, 2), seed=8).mean().dense(3).softmax().build())
    plan = make_plan(graph, Recipe(), load_board("stm32f4-discovery"))
    return build_firmware(plan, tmp_path_factory.mktemp("built"), "small", native=True)


@pytest.fixture(scope="module")
def data():
    source = np.random.default_rng(3)
    x = source.integers(-128, 128, (120, 6, 6, 2)).astype(np.int8)
    y = source.integers(0, 3, 120)
    return Dataset(x, y, x[:20], y[:20], Preprocessing(quantized=True))


def learnt(firmware, data, folder, faults=None, notes=None):
    settings = TuneSettings(passes=2, guard=NONE, faults=faults)
    with RunFolder(folder) as out:
        result = tune(firmware, "host", data, settings, out, notes)
    return result.digest, result.state, result.outputs.tobytes(), result.steps


def test_faults_change_nothing_that_is_learnt(firmware, data, tmp_path):
    """Bytes are harmed, the device starts afresh more than once, and the run tells of it."""
    whole, notes = learnt(firmware, data, tmp_path / "whole"), Notes()
    assert learnt(firmware, data, tmp_path / "bad", "4:3e-3:3e-3", notes) == whole
    told = [text for text in notes.said if text.startswith("Faults of the line: ")]
    assert len(told) == 1 and all(kind in told[0] for kind in ("lost", "cut out", "reset"))
    record = json.loads((tmp_path / "bad" / "run.json").read_text())
    assert record["settings"]["faults"] == "4:3e-3:3e-3"
    logs = [(tmp_path / name / "metrics.jsonl").read_text() for name in ("whole", "bad")]
    assert logs[0] == logs[1]


def test_faults_that_are_none_are_refused_before_anything_is_built():
    job = Job(ROOT / "examples" / "digits" / "digits_int8.tflite", "stm32f4-discovery",
              data=ROOT / "examples" / "digits" / "digits.npz", device="host")
    with pytest.raises(UsageError, match="names no faults"):
        job.check(TuneSettings(faults="often"))


def test_what_a_device_remarks_is_a_note(firmware, monkeypatch):
    """A Renode that refuses the counter, for one."""
    monkeypatch.setattr(HostDevice, "remark", "It hums")
    with connect(firmware, "host", notes := Notes()):
        assert notes.said[0] == "It hums"


def test_the_table_of_make_in_short(firmware, data):
    """`make line-faults` is the long form."""
    loss = firmware.plan.program.loss
    samples = [(x.tobytes(), loss.encode(y)) for x, y in zip(data.tune_x, data.tune_y)]
    row = line_faults.row(firmware, "host", samples, FaultRates(2, 3e-3), 1200).split()
    assert row[0] == "0.003" and row[6] == "equal" and len(row) == len(line_faults.HEAD.split()) - 2
    frames, faults, again, polls, bad = (int(word.replace(",", "")) for word in row[1:6])
    assert frames >= 1200 and faults > 20 and polls > 10 and again > 5 and bad > 5


def test_a_digest_that_differs_is_found(firmware, data, monkeypatch):
    monkeypatch.setattr(line_faults.Learner, "learn", lambda *others: id(others[0]))
    with pytest.raises(Exception, match="digests differ"):
        line_faults.row(firmware, "host", [], FaultRates(2), 10_000)
