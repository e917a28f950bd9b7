"""Recovery from hostile flash, in short: `make fuzz-store` is the long form of the same line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "fuzz_store.py"


@pytest.mark.parametrize("count", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_broken_flash_is_refused_or_mended(count):
    command = [sys.executable, str(TOOL), "--count", str(count), "--seed", "3"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    booted = re.findall(r"(?:nothing|trials|confirmed) (\d+)", done.stdout)
    assert min(map(int, booted)) > count / 20  # the images are of every kind
