"""What a test can demand of a device, and the bound on what a device may take."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from ci_project import PLUGIN, demo_project, only, run, text  # noqa: F401
from signals import ENDS, by_default

from edgetune.ci.failures import heeded
from edgetune.ci.outcome import Outcome
from edgetune.ci.shared import Shared
from edgetune.measures import Measure
from edgetune.session.interpreter import Judgement

pytest_plugins = "pytester"


@pytest.mark.thorough
def test_a_device_learns(project):
    result = run(project, (
        "result = edgetune_device.tune('digits_int8.tflite', data='digits.npz', samples=120, "
        "passes=1)\n"
        "result.assert_accuracy(0.5)\nresult.assert_gain(0.4)\n"
        "result.assert_digest(result.digest)\nresult.assert_same_digest()\n"
        "assert result.verified and result.steps == 120 and result.tuned.is_file()\n"
        "edgetune_device.assert_ram('digits_int8.tflite', 15_000)"
    ))
    result.assert_outcomes(passed=1)


@pytest.mark.thorough
def test_a_tuned_file_that_is_another_network_fails(project, monkeypatch):
    fault = Judgement(12, "It makes 12 of 397 predictions.")
    monkeypatch.setattr("edgetune.session.tuning.judge", lambda *others, **options: fault)
    result = run(project, "edgetune_device.tune(samples=2, passes=1)")
    result.assert_outcomes(failed=1)
    assert fault.fault in text(result) and "not the network" in text(result)


def outcome(folder: Path, device: str = "host", digest: str = "0badcafe") -> Outcome:
    """Of a run on 397 samples that took the accuracy from 11 to 82 %."""
    before, after = (Measure("accuracy", share, higher_is_better=True) for share in (0.11, 0.82))
    return Outcome(
        device, before, after, 397, 40, digest, True, None, folder, folder / "tuned.tflite",
        lambda: Shared(folder).digests("test_it", {"seed": 0}, device, digest),
    )


@pytest.mark.parametrize(
    ("demand", "words"),
    [
        (lambda run: run.assert_accuracy(0.99), ("on host is too low", "82.0 % of 397", "99.0 %")),
        (lambda run: run.assert_gain(0.9), ("gained too little", "+71.0 points", "+90.0 points")),
        (lambda run: run.assert_digest("0x0BADCAFF"), ("0badcafe", "0badcaff", "edgetune verify")),
        (lambda run: run.assert_digest(0xBADCAFF), ("0badcafe", "Wanted: 0badcaff")),
        (lambda run: run.assert_digest("badcafe"), ("badcafe", "8 hexadecimal digits")),
        (lambda run: run.assert_accuracy(82), ("82", "from 0 to 1", "90 % as 0.9")),
        (lambda run: run.assert_accuracy(float("nan")), ("nan", "from 0 to 1")),
        (lambda run: run.assert_gain(-5), ("-5", "from -1 to 1")),
    ],
)
def test_what_is_demanded_of_a_run(tmp_path, demand, words):
    with pytest.raises(pytest.fail.Exception) as failure:
        demand(outcome(tmp_path))
    assert all(word in str(failure.value) for word in (*words, "Next:"))


def test_what_a_run_keeps_to(tmp_path):
    run = outcome(tmp_path)
    run.assert_accuracy(0.82)
    run.assert_gain(0.7)
    run.assert_digest("0badcafe")
    run.assert_digest(0x0BADCAFE)


@pytest.mark.parametrize(("name", "higher", "value", "good", "bad"), [
    ("AUC", True, 0.9, 0.85, 0.95), ("MAE", False, 0.4, 0.45, 0.35),
    ("accuracy", True, 0.8, 0.8, 0.9),
])
def test_a_measure_is_held_to_its_bound(tmp_path, name, higher, value, good, bad):
    run = replace(outcome(tmp_path), after=Measure(name, value, higher_is_better=higher))
    run.assert_measure(good)
    with pytest.raises(pytest.fail.Exception, match=f"{name} on host is not good enough"):
        run.assert_measure(bad)


def test_what_is_not_known_meets_no_bound(tmp_path):
    unknown = Measure("AUC", None, higher_is_better=True, reason="all samples are alike")
    run = replace(outcome(tmp_path), after=unknown)
    with pytest.raises(pytest.fail.Exception, match="all samples are alike"):
        run.assert_measure(0.1)
    with pytest.raises(pytest.fail.Exception, match="this model has none"):
        run.assert_accuracy(0.1)


@pytest.mark.thorough
def test_a_failure_points_at_the_users_line(project):
    result = run(project, "edgetune_device.tune(samples=5, passes=1).assert_accuracy(0.99)")
    result.assert_outcomes(failed=1)
    assert "too low after 5 steps" in text(result) and "of 397 test samples" in text(result)
    assert "edgetune/ci" not in text(result)  # no line of ours in the traceback


def test_ram_over_its_budget(project):
    result = run(project, "edgetune_device.assert_ram(budget=9_000)")
    result.assert_outcomes(failed=1)
    for word in ("RAM on host", "over its budget", "by the plan", "at most 9,000 bytes", "Next:"):
        assert word in text(result)


@pytest.mark.thorough
def test_instructions_over_their_budget(project):
    """Counted where QEMU and the compiler are, else by the plan; the message says which."""
    result = run(project, "edgetune_device.assert_step_instructions(budget=340_000)")
    result.assert_outcomes(failed=1)
    there = all(map(shutil.which, ("qemu-system-arm", "arm-none-eabi-gcc")))
    assert ("counted in QEMU" if there else "estimated by the plan") in text(result)
    assert "340,000 instructions" in text(result)


def test_instructions_by_the_plan_without_qemu(project, monkeypatch):
    monkeypatch.setenv("PATH", str(only(project.path / "bin", "make", "cc", "sh")))
    result = run(project, "edgetune_device.assert_step_instructions(budget=340_000)")
    result.assert_outcomes(failed=1)
    assert "estimated by the plan, not counted in QEMU: QEMU was not found" in text(result)


def test_a_budget_must_be_given(project):
    result = run(project, "edgetune_device.assert_ram()")
    result.assert_outcomes(failed=1)
    assert "RAM has no budget" in text(result)


def test_devices_that_disagree(tmp_path):
    """The same run of a test ended with other bits on devices before."""
    outcome(tmp_path, "host", "11111111").assert_same_digest()
    outcome(tmp_path, "qemu", "11111111").assert_same_digest()
    with pytest.raises(pytest.fail.Exception) as failure:
        outcome(tmp_path, "renode", "22222222").assert_same_digest()
    for words in ("host, qemu learnt different bits", "22222222 on renode", "11111111 on host"):
        assert words in str(failure.value)


# -- hangs --------------------------------------------------------------------------------------


def silent_qemu(folder: Path) -> Path:
    """A stand-in for QEMU that writes its process number and then never speaks."""
    folder.mkdir()
    program = folder / "qemu-system-arm"
    program.write_text(f"#!/bin/sh\necho $$ > {folder}/pid\nexec sleep 1000\n")
    program.chmod(0o755)
    return folder


def ended(pid: int) -> bool:
    """Whether the process ends soon; what has ended and was not waited for counts as ended."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def _hanging(project, monkeypatch, *options: str, body="edgetune_device.tune(samples=5)"):
    folder = silent_qemu(project.path / "bin")
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    result = run(project, body, "--edgetune-devices=qemu", *options)
    result.assert_outcomes(failed=1)
    return text(result), int((folder / "pid").read_text())


def _needs_compiler():
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")


@pytest.mark.thorough
def test_a_silent_device_fails_by_the_links_own_bound(project, monkeypatch):
    _needs_compiler()
    said, pid = _hanging(project, monkeypatch)
    assert "the device does not answer" in said and "not one byte came in 10 s" in said
    assert ended(pid)


@pytest.mark.thorough
@pytest.mark.parametrize("how", ["option", "ini", "marker"])
def test_a_test_has_a_bound_of_its_own(project, monkeypatch, how):
    """Firmware is built in an earlier test, so that only the hang is bounded."""
    _needs_compiler()
    seconds = 2
    option = (f"--edgetune-timeout={seconds}",) if how == "option" else ()
    project.makeini(f"[pytest]\nedgetune_timeout = {seconds if how == 'ini' else ''}\n")
    head = f"@pytest.mark.edgetune(timeout={seconds})" if how == "marker" else ""
    folder = silent_qemu(project.path / "bin")
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    result = run(project, (
        "job = edgetune_device._job(edgetune_device._settings())\n"
        "edgetune_device._firmware(job)\nimport time\n"
        "edgetune_device._end = time.monotonic() + edgetune_device._seconds\n"
        "edgetune_device.tune(samples=5)"
    ), "--edgetune-devices=qemu", *option, head=head)
    result.assert_outcomes(failed=1)
    assert f"too slow or hung: the test did not end within {seconds} seconds" in text(result)
    assert ended(int((folder / "pid").read_text()))


def test_the_bound_reaches_whatever_waits(project):
    """Also a data source that never returns; an alarm of somebody else's stays in force."""
    project.path.joinpath("loader.py").write_text("import time\ndef load():\n    time.sleep(60)\n")
    result = run(project, (
        "import signal\n"
        "heard = []\n"
        "signal.signal(signal.SIGALRM, lambda *_: heard.append(1))\n"
        "signal.setitimer(signal.ITIMER_REAL, 30)\n"
        "try:\n"
        "    edgetune_device.tune(data='loader.py:load')\n"
        "finally:\n"
        "    left = signal.setitimer(signal.ITIMER_REAL, 0)[0]\n"
        "    assert 0 < left < 30 and signal.getsignal(signal.SIGALRM)(0, 0) is None and heard"
    ), "--edgetune-timeout=0.5")
    result.assert_outcomes(failed=1)
    assert "did not end within 0.5 seconds" in text(result)
    assert "It was reading model and data" in text(result)


@pytest.mark.thorough
@pytest.mark.parametrize("number", ENDS)
def test_a_session_that_is_ended_leaves_no_emulator(project, monkeypatch, number):
    _needs_compiler()
    folder = silent_qemu(project.path / "bin")
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    project.makepyfile("def test_it(edgetune_device):\n    edgetune_device.tune(samples=5)\n")
    session = project.popen(
        [sys.executable, "-m", "pytest", *PLUGIN, "--edgetune-devices=qemu"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=by_default,
    )
    pid = folder / "pid"
    while session.poll() is None and not (pid.is_file() and pid.read_text().endswith("\n")):
        time.sleep(0.05)
    session.send_signal(number)
    assert session.wait(120) == pytest.ExitCode.INTERRUPTED
    assert ended(int(pid.read_text()))


@pytest.mark.parametrize("before", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_hangup_that_nohup_ignores_stays_ignored(before):
    old = signal.signal(signal.SIGHUP, before)
    try:
        with heeded():
            ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert ignored == (before is signal.SIG_IGN)
        assert signal.getsignal(signal.SIGHUP) is before
    finally:
        signal.signal(signal.SIGHUP, old)
