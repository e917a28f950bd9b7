"""Hostile requests to the dispatcher, in short: `make fuzz-requests` is the long form."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "fuzz_requests.py"


@pytest.mark.thorough
@pytest.mark.parametrize("count", [100_000, pytest.param(10_000_000, marks=pytest.mark.slow)])
def test_whatever_is_asked_is_answered_in_whole_frames(count):
    command = [sys.executable, str(TOOL), "--count", str(count), "--seed", "3"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    answered = re.findall(r"(?:replies|refusals|naks|bad) (\d+)", done.stdout)
    assert len(answered) == 4 and min(map(int, answered)) > count / 50  # of every kind
