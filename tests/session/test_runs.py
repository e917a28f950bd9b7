"""Runs looked at afterwards: the list, one of them, two side by side."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli_runner import edgetune, refused, succeed
from written_run import write_run

from edgetune.errors import DataError
from edgetune.session.runs import compare_runs, mcnemar


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_run(Path("runs/0001-m"), 10, (1, 0, 1, 1), rate=1.0)
    write_run(Path("runs/0002-m"), 20, (1, 1, 0, 1), rate=2.0)
    Path("runs/0003-m").mkdir()  # no run
    Path("runs/other").mkdir()


def test_runs_are_listed():
    found = succeed("runs", "list")["runs"]
    assert [Path(one["folder"]).name for one in found] == ["0001-m", "0002-m"]
    assert found[0]["sets"]["test"]["after"]["value"] == 0.75 and found[0]["digest"] == "00c0ffee"
    lines = edgetune("runs", "list").stdout.splitlines()
    assert lines[1].split() == [
        "0001-m", "done", "host", "accuracy", "50.0", "%", "75.0", "%", "last", "00c0ffee",
    ]
    assert "There are no runs below x." in edgetune("runs", "list", "--in", "x").stdout


@pytest.mark.parametrize("name", ["2", "0002", "last", "runs/0002-m"])
def test_a_run_is_found_by_any_name(name):
    facts = succeed("runs", "show", name)
    assert facts["folder"] == "runs/0002-m" and facts["logged_steps"] == 20
    said = edgetune("runs", "show", name).stdout
    assert "again: edgetune tune m.tflite" in said and "guard: kept last" in said
    assert refused("runs", "show", "9")["message"] == "There is no run 9."


def test_a_run_that_was_killed_is_broken_off():
    record = json.loads(Path("runs/0002-m/run.json").read_text())
    Path("runs/0002-m/run.json").write_text(json.dumps(record | {"status": "running"}))
    assert succeed("runs", "show", "2")["status"] == "broken off"


def test_two_runs_stand_side_by_side():
    facts = succeed("runs", "compare", "1", "2")
    assert facts["settings"] == {"rate": [1.0, 2.0]}
    test = facts["sets"]["test"]
    assert [one["value"] for one in test["after"]] == [0.75, 0.75]
    assert (test["won"], test["lost"], test["p"]) == (1, 1, 1.0)
    assert facts["costs"]["step_instructions"] == [6003, 6003]
    said = edgetune("runs", "compare", "1", "2").stdout
    assert "test: 0002-m has won 1 samples and lost 1 against 0001-m (McNemar, p = 1)." in said
    assert "All settings are the same." in edgetune("runs", "compare", "2", "2").stdout


def test_other_samples_are_not_compared():
    path = Path("runs/0002-m/predictions.npz")
    with np.load(path) as arrays:
        stored = dict(arrays)
    np.savez(path, **stored | {"test/targets": np.array([0, 1, 2, 0])})
    assert compare_runs(*sorted(Path("runs").glob("000[12]*")))["sets"]["test"]["p"] is None
    path.write_bytes(b"PK nothing")
    with pytest.raises(DataError, match="cannot be read"):
        compare_runs(path.parent, path.parent)


@pytest.mark.parametrize("won, lost, p", [
    (0, 0, 1.0), (1, 0, 1.0), (6, 0, 2 / 64), (0, 6, 2 / 64), (8, 2, 2 * 56 / 1024),
    (2600, 2600, 1.0), (2700, 2500, 0.00579),
])  # fmt: skip
def test_mcnemar(won, lost, p):
    """2 * sum of C(n, k) / 2**n; of many the normal distribution, z = 199 / sqrt(5200)."""
    assert mcnemar(won, lost) == pytest.approx(p, rel=2e-3)
