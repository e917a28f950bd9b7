"""The build id is that of all that is built: a board that runs anything else is found out."""

from __future__ import annotations

import shutil

import pytest
from tiny_tflite import ModelBuilder

from edgetune.boards import load_board
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan
from edgetune.resources import resource_path
from edgetune.session.firmware import generate

BOARD = "stm32f4-discovery"


@pytest.fixture
def copies(tmp_path, monkeypatch):
    """Of firmware, host's port and the board, to be changed."""
    for name in ("firmware", "host"):
        shutil.copytree(resource_path(name), tmp_path / name)
    shutil.copytree(resource_path("boards") / BOARD, tmp_path / "copied")
    for module in ("edgetune.build.ports", "edgetune.codegen.project"):
        monkeypatch.setattr(f"{module}.resource_path", lambda name: tmp_path / name)
    return tmp_path


def build_id(copies, folder: str) -> int:
    graph = read_tflite(ModelBuilder((1, 6), seed=7).dense(4).build())
    board = load_board(copies / "copied")
    return generate(make_plan(graph, Recipe(), board), copies / folder, "small").build_id


@pytest.mark.parametrize(("name", "old", "new"), [
    ("firmware/ports/cortex_m/dwt.c", "#define", "/* another */\n#define"),
    ("firmware/ports/cortex_m/core.h", "#define", "/* another */\n#define"),
    ("firmware/ports/port.h", "#define", "/* another */\n#define"),
    ("firmware/link/server.c", "#define", "/* another */\n#define"),
    ("host/port.c", "#include", "/* another */\n#include"),
    ("copied/board.toml", "baud = 115200", "baud = 57600"),
])
def test_another_source_is_another_build(copies, name, old, new):
    first = build_id(copies, "first")
    assert build_id(copies, "elsewhere") == first
    text = (copies / name).read_text()
    assert old in text
    (copies / name).write_text(text.replace(old, new, 1))
    assert build_id(copies, "changed") != first


def test_the_firmware_is_told_its_build_id(copies):
    number = build_id(copies, "built")
    assert f"ET_BUILD_ID 0x{number:08x}u" in (copies / "built" / "model_config.h").read_text()
