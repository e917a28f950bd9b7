"""All workers of a run share what its C compilers made, by content: edgetune's own builds by its
cache, other calls by `kept_objects.sh`."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from kept_files import KEPT

SCRIPT = Path(__file__).parent / "support" / "kept_objects.sh"
COMPILERS = ("cc", "gcc", "arm-none-eabi-gcc")
CROSS = "arm-none-eabi-"
FOLDER = pytest.StashKey[Path]()


def pytest_configure(config):
    """Puts the compilers that keep their objects first on PATH; workers inherit it."""
    if os.environ.get("PYTEST_XDIST_WORKER"):
        return
    config.stash[FOLDER] = folder = Path(tempfile.mkdtemp(prefix="kept-objects-"))
    (folder / "bin").mkdir()
    for name in COMPILERS:
        if real := shutil.which(name):
            _write_compiler(folder, name, real)
    os.environ[KEPT] = str(folder)
    os.environ["EDGETUNE_CACHE"] = str(folder / "cache")
    os.environ["PATH"] = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])


def _write_compiler(folder: Path, name: str, real: str) -> None:
    path = folder / "bin" / name
    path.write_text(f"#!/bin/sh\nREAL='{real}' KEPT='{folder}'\n. '{SCRIPT}'\n")
    path.chmod(0o755)
    if name.startswith(CROSS):  # make finds the rest of a toolchain beside its compiler
        for tool in Path(real).parent.glob(f"{CROSS}*"):
            if tool.name != name:
                (folder / "bin" / tool.name).symlink_to(tool)


def pytest_unconfigure(config):
    if folder := config.stash.get(FOLDER, None):
        shutil.rmtree(folder, ignore_errors=True)
