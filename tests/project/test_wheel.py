"""The wheel, installed into an empty environment, does the main job from any folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cli_runner import BOARD, DATA, MODEL

ROOT = Path(__file__).parents[2]
OFFLINE = ("Temporary failure in name resolution", "Network is unreachable", "Connection refused")


def _run(*command, cwd) -> str:
    # Without PYTHONPATH nothing of the checkout is in reach.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=environment,
                          capture_output=True, text=True)
    said = done.stdout + done.stderr
    if done.returncode and any(words in said for words in OFFLINE):
        pytest.skip("no network: the packages that edgetune needs cannot be installed")
    assert done.returncode == 0, said
    return done.stdout


def _pip(python, *arguments, cwd):
    _run(python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    return next(folder.glob("edgetune-*.whl"))


def _files(tree: str) -> set[str]:
    paths = [path for path in (ROOT / tree).rglob("*") if path.is_file()]
    assert paths
    return {p.relative_to(ROOT).as_posix() for p in paths if "__pycache__" not in p.parts}


@pytest.mark.thorough
def test_carries_its_data(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for tree in ("firmware", "host", "boards"):
        assert {f"edgetune/_data/{name}" for name in _files(tree)} <= names
    assert _files("edgetune") <= names
    assert not any(name.startswith(("tests/", "examples/")) for name in names)


@pytest.mark.thorough
def test_tunes_the_demo_from_an_empty_environment(wheel, tmp_path):
    _run(sys.executable, "-m", "venv", "env", cwd=tmp_path)
    python = tmp_path / "env" / "bin" / "python"
    _pip(python, "install", wheel, cwd=tmp_path)
    edgetune = tmp_path / "env" / "bin" / "edgetune"
    assert BOARD in _run(edgetune, "boards", "list", cwd=tmp_path)
    result = json.loads(_run(
        edgetune, "tune", MODEL, "--board", BOARD, "--device", "host", "--data", DATA,
        "--samples", "100", "--passes", "1", "--json", cwd=tmp_path,
    ))["result"]
    assert result["verified"] and result["steps"] == 100
    assert (tmp_path / result["tuned"]).is_file()
