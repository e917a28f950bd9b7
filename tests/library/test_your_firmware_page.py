"""The newcomer's page: each command of its ten minutes is run, in their order."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "your-firmware.md"
TOOLS = ("gcc", "cmake", "arm-none-eabi-gcc")
COMMANDS = ("edgetune ", "gcc ", "cmake ", "./")


@pytest.mark.thorough
@pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"one of {TOOLS} is missing")
def test_every_command_of_the_ten_minutes(tmp_path):
    shutil.copytree(ROOT / "examples" / "digits", tmp_path / "examples" / "digits")
    part = PAGE.read_text().split("## Ten minutes")[1].split("\n## ")[0]
    lines = [line.strip() for line in part.splitlines() if line.startswith("    ")]
    walked = [line for line in lines if line.startswith(COMMANDS)]
    assert len(walked) == 6
    assert "pip install ." in lines
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for line in walked:
        done = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, text=True,
                              env=os.environ | {"PATH": path})
        assert done.returncode == 0, (shlex.split(line), done.stdout, done.stderr)
    assert (tmp_path / "digits" / "build" / "libdigits.a").is_file()
