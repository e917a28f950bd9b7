"""The pytest plugin, in test runs of its own: errors in words, devices, other people's tests."""

from __future__ import annotations

import shutil
import sys

import pytest
from ci_project import INSTALLED, PLUGIN, demo_project, only, run, settings, text  # noqa: F401
from thinned import thinned, thinned_rows

pytest_plugins = "pytester"


# -- errors in words ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    thinned_rows([
        ("tune('nowhere.tflite')", "nowhere.tflite: The model file cannot be read"),
        ("tune(data='nowhere.npz')", "nowhere.npz"),
        ("tune(sampels=3)", "There is no setting sampels"),
        ("tune(layers=['conv_9'])", "no layer named conv_9"),
        ("tune(rate=0)", "the rate 0.0 is out of range"),
        ("tune(board='mps2-an386')", "A call does not choose board."),
        ("tune(samples=0)", "The setting samples cannot be 0."),
        ("tune(passes='many')", "The setting passes cannot be 'many'."),
    ], 3),
)
def test_errors_are_failures_in_words(project, call, words):
    result = run(project, f"edgetune_device.{call}")
    result.assert_outcomes(failed=1)
    assert words in text(result) and "Next:" in text(result)


@pytest.mark.thorough
def test_edgetune_toml_gives_the_recipe(project):
    settings(project, layers="last", samples=7, passes=1)
    result = run(project, "assert edgetune_device.tune().steps == 7")
    result.assert_outcomes(passed=1)


def test_no_board(project):
    settings(project, board=None)
    result = run(project, "pass")
    result.assert_outcomes(errors=1)
    assert "No board is named" in text(result)


@pytest.mark.parametrize("board", thinned(["stm32f4", "nowhere"], 2))
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


def test_default_devices_are_skipped_where_missing(project, monkeypatch):
    monkeypatch.setenv("PATH", str(only(project.path / "bin", "make", "cc", "sh")))
    monkeypatch.delenv("EDGETUNE_RENODE", raising=False)
    result = run(project, "pass", "--edgetune-devices=", "-rs", "-v")
    result.assert_outcomes(passed=1, skipped=2)
    assert "[host] PASSED" in text(result)
    assert "qemu: QEMU was not found." in text(result)
    assert "renode: Renode was not found." in text(result)


def test_a_named_device_fails_where_missing(project, monkeypatch):
    monkeypatch.setenv("PATH", str(only(project.path / "bin", "make", "cc", "sh")))
    result = run(project, "pass", "--edgetune-devices=qemu")
    result.assert_outcomes(errors=1)
    assert "QEMU was not found." in text(result) and "Next:" in text(result)
    assert result.ret == 1


def test_a_named_device_can_be_optional(project, monkeypatch):
    monkeypatch.setenv("PATH", str(only(project.path / "bin", "make", "cc", "sh")))
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


@pytest.mark.thorough
@pytest.mark.parametrize("named", thinned([",", "?"], 2))
def test_no_device_is_no_pass(project, named):
    result = run(project, "pass", f"--edgetune-devices={named}")
    result.assert_outcomes(errors=1)
    assert f"No device is named by '{named}'" in text(result) and "test_it" in text(result)


@pytest.mark.parametrize(
    ("marker", "words"),
    thinned_rows([("device='host'", "take device."), ("'host'", "take 'host'.")], 2),
)
def test_a_marker_that_says_something_else(project, marker, words):
    result = run(project, "pass", "--edgetune-devices=", head=f"@pytest.mark.edgetune({marker})")
    result.assert_outcomes(errors=1)
    assert words in text(result) and "board, devices, timeout" in text(result)


@pytest.mark.parametrize(
    ("toml", "ini", "marker", "expected"),
    thinned_rows([
        ("host", "", "", "host"),
        ("qemu", "host", "", "host"),
        ("qemu", "qemu", "host", "host"),
        (None, "", "", "host,qemu,renode"),
    ], 2),
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


@pytest.mark.thorough
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


# -- other people's tests -----------------------------------------------------------------------


@pytest.mark.thorough
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
