"""Python as a user has it: types of the public names, and the notebook, which is executed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_runner import DATA, MODEL

import edgetune

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("user_program.py")
sys.path.append(str(ROOT))

from tools.notebooks import executed  # noqa: E402
from tools.public_names import STUB, stub  # noqa: E402


def test_types_know_every_public_name():
    assert STUB.read_text() == stub(), "run make pages"


@pytest.mark.thorough
def test_a_users_program_is_strictly_typed(tmp_path):
    """And types are known, not Any: one that uses them wrongly is told so.  Outside of the tree."""
    program = PROGRAM.read_text()
    wrong = program.replace("ram: int", "ram: str").replace("split=0.8", 'split="most"')
    (tmp_path / "program.py").write_text(program)
    (tmp_path / "wrong.py").write_text(wrong)
    words = ("--strict", "--follow-imports=silent", "--cache-dir", os.devnull)
    done = subprocess.run([sys.executable, "-m", "mypy", *words, "program.py", "wrong.py"],
                          cwd=tmp_path, capture_output=True, text=True)
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert {line.split(":")[0] for line in errors} == {"wrong.py"}, done.stdout + done.stderr
    assert sorted(line.split()[-1] for line in errors) == ["[arg-type]", "[assignment]"]


@pytest.mark.thorough
@pytest.mark.parametrize("path", sorted((ROOT / "examples").rglob("*.ipynb")), ids=lambda p: p.stem)
def test_a_notebook_gives_what_it_shows(path):
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert executed(path) == kept, "run make pages"


@pytest.mark.thorough
def test_the_pages_code_runs(tmp_path, monkeypatch):
    """All blocks of docs/python.md, one after the other, on the demo's model and data."""
    shutil.copy(MODEL, tmp_path / "model.tflite")
    shutil.copy(DATA, tmp_path / "samples.npz")
    monkeypatch.chdir(tmp_path)
    with np.load(DATA) as held:
        names = {"x": held["tune_x"][:10], "y": held["tune_y"][:10],
                 "test_x": held["test_x"][:30], "test_y": held["test_y"][:30]}
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/python.md").read_text(), re.DOTALL)
    assert len(blocks) == 4
    on_host = {'board="stm32f4-discovery"': 'board="stm32f4-discovery", device="host"',
               '"samples.npz")': '"samples.npz", device="host")', "1 / 255": "1 / 16",
               "passes=1": "passes=1, samples=10"}
    for block in blocks:
        for here, there in on_host.items():
            block = block.replace(here, there)
        exec(block, names)
    assert names["result"].steps == 10 and isinstance(names["tuned"], edgetune.Tuned)
    assert issubclass(names["Loud"], edgetune.Reporter)
