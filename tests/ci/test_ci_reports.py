"""The plugin's reports, and what the tests of a session share."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ci_project import PLUGIN, demo_project, run  # noqa: F401
from cli_runner import BOARD

pytest_plugins = "pytester"


@pytest.mark.thorough
def test_firmware_is_built_once_a_session(project):
    project.makepyfile("""
        import pytest
        from edgetune.session import firmware

        built = []
        real = firmware.build_firmware

        @pytest.fixture(autouse=True)
        def watch(monkeypatch):
            def build(*args, **options):
                built.append(1)
                return real(*args, **options)

            monkeypatch.setattr(firmware, "build_firmware", build)

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


@pytest.mark.thorough
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


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("body", "options", "outcome", "words"),
    [
        ("import os\nos._exit(3)", ("-n1",), "failed", "crashed while running"),
        ("raise KeyboardInterrupt", (), "unfinished", ""),
    ],
)
def test_a_test_that_does_not_come_to_its_end_is_reported(project, body, options, outcome, words):
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    body = body.replace("\n", "\n    ")
    project.makepyfile(f"def test_it(edgetune_device):\n    {body}\n")
    result = project.runpytest_subprocess(
        *PLUGIN, "--edgetune-devices=host", "--edgetune-report=r.json", *options
    )
    assert result.ret != 0
    (entry,) = json.loads((project.path / "r.json").read_text())["tests"]
    assert entry["outcome"] == outcome and words in entry["message"]


def _junit(path: Path, test: str) -> dict:
    found = ElementTree.parse(path).getroot().find(f".//testcase[@name='{test}']/properties")
    return {item.get("name"): item.get("value") for item in found}


def test_a_report_that_cannot_be_written_is_refused_at_once(project):
    result = run(project, "pass", f"--edgetune-report={project.path}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "cannot be written" in result.stderr.str()
