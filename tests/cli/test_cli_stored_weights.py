"""``--store`` and the verbs of what a device keeps in its flash."""

import json

import pytest
from cli_runner import DATA, MODEL, ON_HOST, edgetune, refused, succeed

from edgetune.device.host import FLASH


@pytest.fixture(autouse=True, name="out")
def own_flash(tmp_path, monkeypatch):
    """A flash of the test's own, and a folder for the firmware."""
    monkeypatch.setenv(FLASH, str(tmp_path / "flash.bin"))
    return ("--out", tmp_path / "built")


@pytest.mark.thorough
def test_what_a_run_ends_with_is_confirmed_and_kept(out, tmp_path):
    run = ("--store", "--samples", "200", "--passes", "1", "--no-verify", "--no-guard")
    succeed("tune", MODEL, *ON_HOST, "--data", DATA, *run, "--out", tmp_path / "run")
    accuracy = json.loads((tmp_path / "run" / "run.json").read_text())["result"]["accuracy_after"]
    status = succeed("weights", "status", MODEL, *ON_HOST, *out)
    first, second = status["slots"]
    assert (first["state"], second["state"], status["running"]) == ("confirmed", "empty", 0)
    assert first["score"] == 1 + round(1e6 * accuracy)
    found = succeed("eval", MODEL, *ON_HOST, "--store", "--data", DATA, *out)
    assert found["accuracy"] == accuracy


@pytest.mark.thorough
def test_a_trial_that_nobody_measured_is_not_confirmed_over_one_that_was(out):
    measured = succeed("weights", "commit", MODEL, *ON_HOST, *out, "--data", DATA)
    assert measured["slots"][0]["score"] and measured["slots"][0]["state"] == "trial"
    confirmed = succeed("weights", "confirm", MODEL, *ON_HOST, *out, "--data", DATA)
    assert confirmed["slots"][0]["state"] == "confirmed"
    assert "too few steps" in refused("weights", "commit", MODEL, *ON_HOST, *out)["cause"]
    succeed("weights", "commit", MODEL, *ON_HOST, *out, "--force")
    said = edgetune("weights", "confirm", MODEL, *ON_HOST, *out)
    assert said.code == 4 and "the trial's is lower or not measured" in said.stderr
    succeed("weights", "commit", MODEL, *ON_HOST, *out, "--force")
    back = succeed("weights", "rollback", MODEL, *ON_HOST, *out)
    assert back["running"] == 0 and back["slots"][1]["state"] == "used"


def test_a_board_without_flash_is_refused_in_words():
    error = refused("weights", "status", MODEL, "--board", "mps2-an386", "--device", "host")
    assert error["exit_code"] == 2 and "no flash to keep" in error["message"]
    shown = edgetune("boards", "show", "mps2-an386").stdout
    assert "store: none" in shown
    assert "store: 256 KB of flash" in edgetune("boards", "show", "nucleo-f401re").stdout


def test_the_plan_says_what_it_takes():
    on = ("plan", MODEL, "--board", "nucleo-f401re")
    plain, store = succeed(*on), succeed(*on, "--store")
    assert plain["store"] is None and plain["flash_available"] == 0x80000
    assert store["flash_available"] == 0x40000 and store["store"]["slot_bytes"] == 130816
    assert store["cost"]["code_bytes"] > plain["cost"]["code_bytes"]
