"""The JSON report: one entry a test and device."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from edgetune import __version__
from edgetune.files import save_atomically

FORMAT = 1


class Report:
    """A plugin of the process that the user started; pytest-xdist brings it its workers' tests.

    ``format`` changes with anything that could break a reader.
    """

    def __init__(self, config: pytest.Config, path: str):
        self._path = Path(config.invocation_params.dir, path)
        self._tests: dict[str, dict] = {}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise pytest.UsageError(f"--edgetune-report {path}: {error.strerror}") from None
        if self._path.is_dir() or not os.access(self._path.parent, os.W_OK):
            raise pytest.UsageError(f"--edgetune-report {path} cannot be written")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties = dict(report.user_properties)
        if "device" not in properties and report.nodeid not in self._tests:
            return
        entry = self._tests.setdefault(report.nodeid, _entry(report.nodeid))
        entry["device"] = properties.pop("device", entry["device"])
        entry["board"] = properties.pop("board", entry["board"])
        entry["properties"] |= properties
        entry["seconds"] = round(entry["seconds"] + report.duration, 3)
        if outcome := _outcome(report):
            entry["outcome"] = outcome
            entry["message"] = "" if outcome == "passed" else _message(report)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        tests = list(self._tests.values())
        outcomes = [test["outcome"] for test in tests]
        content = {
            "format": FORMAT, "edgetune": __version__, "exit_status": int(exitstatus),
            "counts": {name: outcomes.count(name) for name in sorted(set(outcomes))},
            "tests": tests,
        }
        save_atomically(self._path, (json.dumps(content, indent=2, default=str) + "\n").encode())


def _entry(nodeid: str) -> dict:
    """Of a test that has begun: where the run is interrupted, it stays «unfinished»."""
    return {
        "test": nodeid, "device": None, "board": None, "outcome": "unfinished", "seconds": 0.0,
        "message": "", "properties": {},
    }


def _outcome(report: pytest.TestReport) -> str:
    """passed, failed, skipped, error, xfailed, xpassed; "" where the phase decides nothing."""
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    if report.failed:
        return "error" if report.when in ("setup", "teardown") else "failed"
    if report.skipped:
        return "skipped"
    return "passed" if report.when == "call" else ""


def _message(report: pytest.TestReport) -> str:
    """Why, without the traceback."""
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2]  # of a skip: file, line, reason
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash.message if crash else report.longreprtext
