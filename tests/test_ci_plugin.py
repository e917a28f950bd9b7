"""The pytest plugin, in test runs of its own: devices, assertions, bounds, reports."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cli_runner import BOARD, DIGITS

import edgetune.ci.device  # noqa: F401 - loaded once, not in every inner run
import edgetune.ci.report  # noqa: F401
from edgetune.ci.outcome import Outcome
from edgetune.ci.shared import Shared
from edgetune.model.runtime import Runtime

pytest_plugins = "pytester"

ROOT = Path(__file__).parents[1]
INSTALLED = any(point.value == "edgetune.ci.plugin" for point in entry_points(group="pytest11"))
PLUGIN = () if INSTALLED else ("-p", "edgetune.ci.plugin")
SETTINGS = {"board": BOARD, "model": "digits_int8.tflite", "data": "digits.npz"}


@pytest.fixture
def project(pytester, monkeypatch):
    """A folder with the demo's model and data, whose tests see this edgetune."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    for name in ("digits_int8.tflite", "digits.npz"):
        shutil.copy(DIGITS / name, pytester.path)
    settings(pytester)
    Runtime.of((DIGITS / "digits_int8.tflite").read_bytes())  # loaded once, as above
    return pytester


def settings(project, **changes):
    lines = [f'{key} = "{value}"' for key, value in (SETTINGS | changes).items() if value]
    (project.path / "edgetune.toml").write_text("\n".join(lines))


def run(project, body: str, *options: str, head: str = ""):
    """pytest on one test function with ``body``, on the host unless the options say otherwise."""
    named = any(option.startswith("--edgetune-devices") for option in options)
    body = body.replace("\n", "\n    ")
    project.makepyfile(f"import pytest\n\n{head}\ndef test_it(edgetune_device):\n    {body}\n")
    devices = () if named else ("--edgetune-devices=host",)
    return project.runpytest(*PLUGIN, "-p", "no:cacheprovider", *devices, *options)


def text(result) -> str:
    return result.stdout.str()


# -- what a test can demand ---------------------------------------------------------------------


def test_a_device_learns(project):
    result = run(project, (
        "result = edgetune_device.tune('digits_int8.tflite', data='digits.npz', samples=60, "
        "passes=1)\n"
        "result.assert_accuracy(0.5)\nresult.assert_gain(0.4)\n"
        "result.assert_digest(result.digest)\nresult.assert_same_digest()\n"
        "assert result.verified and result.steps == 60 and result.tuned.is_file()\n"
        "edgetune_device.assert_ram('digits_int8.tflite', 14_000)"
    ))
    result.assert_outcomes(passed=1)


def outcome(folder: Path, device: str = "host", digest: str = "0badcafe") -> Outcome:
    """Of a run on 397 samples that took the accuracy from 11 to 82 %."""
    return Outcome(
        device, 0.11, 0.82, 397, 40, digest, True, None, folder, folder / "tuned.tflite",
        lambda: Shared(folder).digests("test_it", {"seed": 0}, device, digest),
    )


@pytest.mark.parametrize(
    ("demand", "words"),
    [
        (lambda run: run.assert_accuracy(0.99), ("on host is too low", "82.0 % of 397", "99.0 %")),
        (lambda run: run.assert_gain(0.9), ("gained too little", "+71.0 points", "+90.0 points")),
        (lambda run: run.assert_digest("0x0BADCAFF"), ("0badcafe", "0badcaff", "edgetune verify")),
        (lambda run: run.assert_digest(0xBADCAFF), ("0badcafe", "Wanted: 0badcaff")),
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


def test_instructions_over_their_budget(project):
    """Counted where QEMU and the compiler are, else by the plan; the message says which."""
    result = run(project, "edgetune_device.assert_step_instructions(budget=1_000_000)")
    result.assert_outcomes(failed=1)
    there = all(map(shutil.which, ("qemu-system-arm", "arm-none-eabi-gcc")))
    assert ("counted in QEMU" if there else "estimated by the plan") in text(result)
    assert "1,000,000 instructions" in text(result)


def test_instructions_by_the_plan_without_qemu(project, monkeypatch):
    monkeypatch.setenv("PATH", str(_tools(project.path / "bin", "make", "cc", "sh")))
    result = run(project, "edgetune_device.assert_step_instructions(budget=1_000_000)")
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


# -- errors in words ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("tune('nowhere.tflite')", "nowhere.tflite: The model file cannot be read"),
        ("tune(data='nowhere.npz')", "nowhere.npz"),
        ("tune(sampels=3)", "There is no setting sampels"),
        ("tune(layers=['conv_9'])", "no layer named conv_9"),
        ("tune(rate=0)", "the rate 0.0 is out of range"),
        ("tune(board='mps2-an386')", "A call does not choose board."),
        ("tune(samples=0)", "The setting samples cannot be 0."),
        ("tune(passes='many')", "The setting passes cannot be 'many'."),
    ],
)
def test_errors_are_failures_in_words(project, call, words):
    result = run(project, f"edgetune_device.{call}")
    result.assert_outcomes(failed=1)
    assert words in text(result) and "Next:" in text(result)


def test_edgetune_toml_gives_the_recipe(project):
    settings(project, layers="last", samples=7, passes=1)
    result = run(project, "assert edgetune_device.tune().steps == 7")
    result.assert_outcomes(passed=1)


def test_no_board(project):
    settings(project, board=None)
    result = run(project, "pass")
    result.assert_outcomes(errors=1)
    assert "No board is named" in text(result)


@pytest.mark.parametrize("board", ["stm32f4", "nowhere"])
def test_unknown_board(project, board):
    result = run(project, "pass", f"--edgetune-board={board}", "--edgetune-devices=")
    result.assert_outcomes(errors=1)
    assert f"Unknown board '{board}'" in text(result) and "edgetune boards list" in text(result)


@pytest.mark.parametrize("seconds", ["-1", "soon"])
def test_a_bound_must_be_seconds(project, seconds):
    project.makeini(f"[pytest]\nedgetune_timeout = {seconds}\n")
    result = run(project, "pass")
    result.assert_outcomes(errors=1)
    assert f"The timeout of a test is '{seconds}'." in text(result)


def test_bad_settings_are_said_once(project):
    (project.path / "edgetune.toml").write_text("bord = 'x'")
    result = run(project, "pass")
    result.assert_outcomes(errors=1)
    assert "unknown keys: bord" in text(result)


# -- which devices ------------------------------------------------------------------------------


def _tools(folder: Path, *names: str) -> Path:
    """A folder for PATH with these programs only."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(shutil.which(name))
    return folder


def test_default_devices_are_skipped_where_missing(project, monkeypatch):
    monkeypatch.setenv("PATH", str(_tools(project.path / "bin", "make", "cc", "sh")))
    monkeypatch.delenv("EDGETUNE_RENODE", raising=False)
    result = run(project, "pass", "--edgetune-devices=", "-rs", "-v")
    result.assert_outcomes(passed=1, skipped=2)
    assert "[host] PASSED" in text(result)
    assert "qemu: QEMU was not found." in text(result)
    assert "renode: Renode was not found." in text(result)


def test_a_named_device_fails_where_missing(project, monkeypatch):
    monkeypatch.setenv("PATH", str(_tools(project.path / "bin", "make", "cc", "sh")))
    result = run(project, "pass", "--edgetune-devices=qemu")
    result.assert_outcomes(errors=1)
    assert "QEMU was not found." in text(result) and "Next:" in text(result)
    assert result.ret == 1


def test_a_named_device_can_be_optional(project, monkeypatch):
    monkeypatch.setenv("PATH", str(_tools(project.path / "bin", "make", "cc", "sh")))
    run(project, "pass", "--edgetune-devices=host,qemu?").assert_outcomes(passed=1, skipped=1)


def test_a_board_that_the_emulator_does_not_know(project):
    result = run(
        project, "pass", "--edgetune-devices=renode", "--edgetune-board=mps2-an386"
    )
    result.assert_outcomes(errors=1)
    assert "cannot run in Renode" in text(result)


def test_no_such_device(project):
    """A misspelt name fails even where it is marked optional."""
    result = run(project, "pass", "--edgetune-devices=qemo?")
    result.assert_outcomes(errors=1)
    assert "'qemo' names no device" in text(result)


@pytest.mark.parametrize(
    ("toml", "ini", "marker", "expected"),
    [
        ("host", "", "", "host"),
        ("qemu", "host", "", "host"),
        ("qemu", "qemu", "host", "host"),
        (None, "", "", "host,qemu,renode"),
    ],
)
def test_who_names_the_devices(project, toml, ini, marker, expected):
    settings(project, devices=toml)
    project.makeini(f"[pytest]\nedgetune_devices = {ini}\n")
    head = f"@pytest.mark.edgetune(devices='{marker}')" if marker else ""
    result = run(
        project, "pass", "--edgetune-devices=", "--collect-only", "-q", "--strict-markers",
        head=head,
    )
    found = [line.partition("[")[2].rstrip("]") for line in result.outlines if "test_it[" in line]
    assert ",".join(found) == expected


def test_the_nearest_edgetune_toml_counts(project):
    """Of a project inside a larger repository, whatever folder pytest was started in."""
    inner = project.mkdir("inner")
    for name in ("edgetune.toml", "digits_int8.tflite", "digits.npz"):
        shutil.move(project.path / name, inner / name)
    (inner / "tests").mkdir()
    (inner / "tests" / "test_inner.py").write_text(
        "def test_it(edgetune_device):\n"
        "    assert edgetune_device.tune(samples=2, passes=1).steps == 2\n"
    )
    result = project.runpytest(*PLUGIN, "--edgetune-devices=host")
    result.assert_outcomes(passed=1)


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
        "edgetune_device._firmware(edgetune_device._task())\nimport time\n"
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


# -- sharing ------------------------------------------------------------------------------------


@pytest.mark.thorough
def test_firmware_is_built_once_a_session(project):
    project.makepyfile("""
        import pytest
        from edgetune.ci import shared

        built = []
        real = shared.build_firmware

        @pytest.fixture(autouse=True)
        def watch(monkeypatch):
            def build(*args, **options):
                built.append(1)
                return real(*args, **options)

            monkeypatch.setattr(shared, "build_firmware", build)

        @pytest.mark.parametrize("seed", [0, 1])
        def test_same(edgetune_device, seed):
            edgetune_device.tune(samples=2, passes=1, seed=seed)
            assert built == [1]

        def test_another_recipe(edgetune_device):
            edgetune_device.tune(samples=2, passes=1, layers="last")
            assert built == [1, 1]
    """)
    project.runpytest(*PLUGIN, "--edgetune-devices=host").assert_outcomes(passed=3)


@pytest.mark.thorough
def test_workers_share(project):
    """Under pytest-xdist: one build for both workers, one report with all tests."""
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    project.makepyfile("""
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_it(edgetune_device, number):
            edgetune_device.tune(samples=3, passes=1).assert_same_digest()
    """)
    result = project.runpytest_subprocess(
        *PLUGIN, "--edgetune-devices=host", "-n2", "--edgetune-report=r.json",
        f"--basetemp={project.path / 'temporary'}",
    )
    result.assert_outcomes(passed=4)
    assert len(json.loads((project.path / "r.json").read_text())["tests"]) == 4
    assert len(list((project.path / "temporary" / "edgetune-shared").glob("firmware-*"))) == 1


# -- reports ------------------------------------------------------------------------------------


def test_reports(project):
    project.makepyfile("""
        import pytest

        def test_good(edgetune_device):
            edgetune_device.tune(samples=3, passes=1)

        def test_bad(edgetune_device):
            edgetune_device.assert_ram(budget=10)

        @pytest.mark.skip(reason="not today")
        def test_skipped(edgetune_device):
            pass

        @pytest.mark.xfail(reason="known")
        def test_known(edgetune_device):
            edgetune_device.assert_ram(budget=10)

        def test_of_somebody_else():
            pass

        @pytest.fixture
        def untidy():
            yield
            raise RuntimeError("left behind")

        def test_untidy(edgetune_device, untidy):
            pass
    """)
    result = project.runpytest(
        *PLUGIN, "--edgetune-devices=host,renode?", "--edgetune-report=out/r.json",
        "--junitxml=r.xml", "-k", "not renode or good",
    )
    assert result.ret == 1
    report = json.loads((project.path / "out" / "r.json").read_text())
    assert report["format"] == 1 and report["exit_status"] == 1
    tests = {entry["test"].partition("::")[2]: entry for entry in report["tests"]}
    outcomes = {name: entry["outcome"] for name, entry in tests.items()}
    renode = outcomes.pop("test_good[renode]")
    assert renode in ("passed", "skipped")
    assert outcomes == {
        "test_good[host]": "passed", "test_bad[host]": "failed", "test_known[host]": "xfailed",
        "test_untidy[host]": "error",
    }
    good, bad = tests["test_good[host]"], tests["test_bad[host]"]
    assert (good["device"], good["board"]) == ("host", BOARD)
    assert good["properties"]["steps"] == 3 and len(good["properties"]["digest"]) == 8
    assert "over its budget" in bad["message"] and bad["properties"]["ram_source"] == "plan"
    assert _junit(project.path / "r.xml", "test_good[host]")["digest"] == (
        good["properties"]["digest"]
    )


def _junit(path: Path, test: str) -> dict:
    found = ElementTree.parse(path).getroot().find(f".//testcase[@name='{test}']/properties")
    return {item.get("name"): item.get("value") for item in found}


def test_a_report_that_cannot_be_written_is_refused_at_once(project):
    result = run(project, "pass", f"--edgetune-report={project.path}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "cannot be written" in result.stderr.str()


# -- other people's tests -----------------------------------------------------------------------


def test_nothing_is_imported_unless_used(project):
    """A run without the fixture loads pytest's part and no other."""
    project.makepyfile("""
        import sys

        def test_it():
            ours = {name for name in sys.modules if name.startswith("edgetune")}
            assert ours <= {"edgetune", "edgetune.ci", "edgetune.ci.plugin"}, ours
    """)
    (project.path / "edgetune.toml").write_text("this is not even TOML")
    result = project.runpytest_subprocess(*PLUGIN, "--strict-markers")
    result.assert_outcomes(passed=1)


@pytest.mark.skipif(not INSTALLED, reason="edgetune is not installed, only on the path")
def test_pytest_finds_the_plugin_by_itself(project):
    result = project.run(sys.executable, "-m", "pytest", "--fixtures", "-q")
    assert "edgetune_device" in text(result)
