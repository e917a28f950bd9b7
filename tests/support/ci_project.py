"""Test runs inside a test: a project with the demo's model, and pytest on it with the plugin.

A test module imports the fixture `demo_project`, and names pytester in ``pytest_plugins``.
"""

from __future__ import annotations

import os
import shutil
from importlib.metadata import entry_points
from pathlib import Path

import pygal  # noqa: F401 - loaded once: it changes how plugins are found, which an inner run undoes
import pytest
from cli_runner import BOARD, DIGITS

import edgetune.ci.device  # noqa: F401 - loaded once, too
import edgetune.ci.report  # noqa: F401
from edgetune.model.runtime import Runtime

ROOT = Path(__file__).parents[2]
INSTALLED = any(point.value == "edgetune.ci.plugin" for point in entry_points(group="pytest11"))
PLUGIN = () if INSTALLED else ("-p", "edgetune.ci.plugin")
SETTINGS = {"board": BOARD, "model": "digits_int8.tflite", "data": "digits.npz"}


@pytest.fixture(name="project")
def demo_project(pytester, monkeypatch):
    """A folder with the demo's model and data, whose tests see this edgetune."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    for name in ("digits_int8.tflite", "digits.npz"):
        shutil.copy(DIGITS / name, pytester.path)
    settings(pytester)
    Runtime.of((DIGITS / "digits_int8.tflite").read_bytes())  # loaded once, as above
    return pytester


def settings(project, **changes):
    lines = [f'{key} = "{value}"' for key, value in (SETTINGS | changes).items() if value]
    (project.path / "edgetune.toml").write_text("\n".join(lines))


def run(project, body: str, *options: str, head: str = ""):
    """pytest on one test function with ``body``, on the host unless the options say otherwise."""
    named = any(option.startswith("--edgetune-devices") for option in options)
    body = body.replace("\n", "\n    ")
    project.makepyfile(f"import pytest\n\n{head}\ndef test_it(edgetune_device):\n    {body}\n")
    devices = () if named else ("--edgetune-devices=host",)
    return project.runpytest(*PLUGIN, "-p", "no:cacheprovider", *devices, *options)


def text(result) -> str:
    return result.stdout.str()


def only(folder: Path, *names: str) -> Path:
    """A folder for PATH with these programs only."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(shutil.which(name))
    return folder
