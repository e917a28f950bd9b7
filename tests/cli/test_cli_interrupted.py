"""However a run is ended, all that it started ends too, and it says so."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runner import BOARD, DATA, MODEL
from echo_project import ended
from signals import ENDS, by_default, without_hangup

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
PROGRAM = "from edgetune.cli.main import main; main()"


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _until(process: subprocess.Popen, words: str) -> None:
    """Read the notes until one has ``words``."""
    for line in process.stderr:
        if words in line:
            return
    pytest.fail(f"It ended before it said {words!r}.")


@pytest.fixture
def start(tmp_path):
    """Starts a run that learns on the PC, under ``--json``: (options, signals of the child)."""
    if not (shutil.which("make") and shutil.which("cc")):
        pytest.skip("make or a C compiler is not installed")
    options = ["--board", BOARD, "--device", "host", "--data", DATA, "--json", "-v"]
    started = []

    def begin(*more: str, signals=by_default) -> subprocess.Popen:
        started.append(subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "tune", MODEL, *options, *more], cwd=tmp_path,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)}, preexec_fn=signals,
        ))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.thorough
@pytest.mark.parametrize("how", ENDS)
def test_a_run_that_is_ended_leaves_nothing_running(start, how):
    learning = start("--passes", "1000")
    _until(learning, "before")
    devices = _children(learning.pid)
    assert devices
    learning.send_signal(how)
    said, _ = learning.communicate(timeout=PATIENCE)
    assert learning.returncode == json.loads(said)["error"]["exit_code"] == 130
    assert all(ended(pid) for pid in devices)


def _descendants(pid: int) -> list[int]:
    below = _children(pid)
    return below + [each for child in below for each in _descendants(child)]


@pytest.mark.thorough
@pytest.mark.parametrize("device", ["host", "qemu"])
def test_sigkill_of_a_run_ends_its_device(start, device):
    if device == "qemu" and not (
        shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-gcc")
    ):
        pytest.skip("QEMU or the Arm compiler is not installed")
    learning = start("--passes", "1000", "--device", device)
    _until(learning, "before")
    started = _descendants(learning.pid)
    names = [Path(f"/proc/{pid}/comm").read_text() for pid in started]
    assert any(name.startswith("firmware" if device == "host" else "qemu") for name in names)
    learning.kill()
    assert all(ended(pid) for pid in started)


@pytest.mark.thorough
def test_under_nohup_a_run_outlives_its_terminal(start):
    learning = start("--samples", "40", "--passes", "1", signals=without_hangup)
    _until(learning, "before")
    learning.send_signal(signal.SIGHUP)
    said, _ = learning.communicate(timeout=PATIENCE)
    assert learning.returncode == 0 and json.loads(said)["result"]["steps"] == 40
