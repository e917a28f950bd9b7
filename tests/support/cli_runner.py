"""Runs ``edgetune`` in this process, for tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from edgetune.cli.main import main

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
MODEL = str(DIGITS / "digits_int8.tflite")
DATA = str(DIGITS / "digits.npz")
BOARD = "stm32f4-discovery"
ON_HOST = ("--board", BOARD, "--device", "host")


@dataclass(frozen=True)
class Outcome:
    """Exit code and what was printed."""

    code: int
    stdout: str
    stderr: str

    def json(self) -> dict:
        """The one JSON document on stdout."""
        return json.loads(self.stdout)


def edgetune(*args) -> Outcome:
    """Run the command line in the current folder."""
    result = CliRunner().invoke(main, [str(arg) for arg in args])
    return Outcome(result.exit_code, result.stdout, result.stderr)


def succeed(*args) -> dict:
    """The result of a verb under ``--json``; it must end well."""
    outcome = edgetune(*args, "--json")
    assert outcome.code == 0, outcome.stdout + outcome.stderr
    document = outcome.json()
    assert document["format"] == 1
    return document["result"]


def refused(*args) -> dict:
    """The error of a verb under ``--json``, checked to be complete and said alike as text."""
    as_json, as_text = edgetune(*args, "--json"), edgetune(*args)
    error = as_json.json()["error"]
    assert error.keys() == {"error", "exit_code", "message", "cause", "next_step"}
    assert as_json.code == as_text.code == error["exit_code"]
    assert error["message"] and error["next_step"]
    assert error["message"] in as_text.stderr
    assert as_text.stderr.index("Error:") < as_text.stderr.index("Next:")
    return error
