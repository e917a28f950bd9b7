"""What a person runs first, in a fresh copy: `make demo`, twice."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LEFT_OUT = {".git", ".venv", "build", "dist", "runs"}
RAM_USED = re.compile(r"RAM used: ([\d,]+) bytes, ([\d,]+) of them stack")


def _make(folder: Path, target: str) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MAKEFLAGS")}
    done = subprocess.run(
        ["make", target], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def shown_in_the_readme() -> str:
    """What the README says that the demo prints."""
    block = README[README.index("    Model: examples/digits"):]
    return block[: block.index("\n\n")]


def _static(text: str) -> str:
    """With single blanks between words, and of the RAM that was used only the static part.

    How deep the stack went depends on where among the device's work the link's interrupts fell.
    """
    return RAM_USED.sub(
        lambda found: f"static RAM: {_number(found[1]) - _number(found[2])}", " ".join(text.split())
    )


def _number(text: str) -> int:
    return int(text.replace(",", ""))


@pytest.mark.thorough
def test_demo_in_a_fresh_copy(tmp_path):
    folder = tmp_path / "edgetune"
    shutil.copytree(ROOT, folder, ignore=lambda at, _: LEFT_OUT if Path(at) == ROOT else ())
    first, second = _make(folder, "demo"), _make(folder, "demo")
    for text in (first, second):
        assert "bit for bit in all 1,000 steps" in text
    for part in _static(shown_in_the_readme()).split(" ... "):
        assert part in _static(first)
    shown, deepest = RAM_USED.search(first), re.search(r"at most ([\d,]+)\)", first)
    assert 0 < _number(shown[2]) <= _number(deepest[1])
    assert "pip" in first and "pip" not in second


def test_set_up_does_nothing_where_nothing_is_missing():
    """Only where the tools are: elsewhere it would install them."""
    tools = ("arm-none-eabi-gcc", "qemu-system-arm", "gdb-multiarch", "cc", "python3", "sh")
    if missing := [name for name in tools if shutil.which(name) is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    done = subprocess.run(
        ["sh", ROOT / "tools" / "system_packages.sh"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_set_up_says_what_root_must_install(tmp_path):
    """Without root and without sudo it ends with the command, and changes nothing."""
    for name in ("sh", "python3"):
        (tmp_path / name).symlink_to(shutil.which(name))
    for name, text in (("apt-get", "exit 99"), ("id", "echo 1000")):
        (tmp_path / name).write_text(f"#!{shutil.which('sh')}\n{text}\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        ["sh", ROOT / "tools" / "system_packages.sh"], capture_output=True, text=True,
        env={"PATH": str(tmp_path)},
    )
    assert done.returncode == 1
    assert "apt-get install" in done.stderr and "gcc-arm-none-eabi" in done.stderr
