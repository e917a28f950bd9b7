"""What was compiled once is not compiled again, and nothing else is taken for it."""

import os
import shutil
import subprocess

import pytest
from echo_project import write_echo

from edgetune.boards import load_board
from edgetune.build import build_project
from edgetune.build.compilations import Keys, compilations
from edgetune.build.objects import ObjectStore
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan
from edgetune.session import firmware

BOARD = "stm32f4-discovery"
CC = shutil.which("gcc") or shutil.which("cc")
pytestmark = pytest.mark.skipif(CC is None, reason="no C compiler for this machine")


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Builds the echo project in a folder; the sources that were compiled, and the image."""
    log = tmp_path / "log"
    (tmp_path / "bin").mkdir()
    counting = tmp_path / "bin" / "cc"
    counting.write_text(
        f'#!/bin/sh\nfor w do case $w in *.c) c=$w ;; esac; done\n'
        f'case "$*" in *" -c "*) echo "$c" >>"{log}" ;; esac\nexec "{CC}" "$@"\n'
    )
    counting.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    monkeypatch.setenv("EDGETUNE_CACHE", str(tmp_path / "cache"))

    def run(name, header="#define VALUE 1\n", **options):
        folder = write_echo(tmp_path / name, BOARD, **options)
        (folder / "value.h").write_text(header)
        source = folder / "echo.c"
        source.write_text('#include "value.h"\n' + source.read_text())
        log.write_text("")
        image = build_project(folder, load_board(BOARD), "native").elf
        return sorted(log.read_text().split()), image.read_bytes()

    run.cache = tmp_path / "cache" / "objects"
    return run


def test_a_second_build_compiles_nothing_and_another_only_what_differs(build, monkeypatch):
    every, image = build("one")
    assert "echo.c" in every and len(every) > 1
    assert build("two") == ([], image)
    assert build("one") == ([], image)
    assert build("three", header="#define VALUE 2\n")[0] == ["echo.c"]
    assert build("four", defines={"VALUE_OF_A_MACRO": 1})[0] == every
    monkeypatch.setenv("EDGETUNE_CACHE", "")
    assert build("five")[0] == every


def test_damaged_entries_cost_a_compilation(build):
    every, image = build("one")
    for entry in build.cache.iterdir():
        content = bytearray(entry.read_bytes())
        content[100:110] = bytes(10)
        entry.write_bytes(content)
    assert build("two") == (every, image)
    assert build("three") == ([], image)


def test_what_the_clock_or_a_macro_decides_is_not_kept(build):
    for i, text in enumerate(('#define WHEN __DATE__\n', '#define A "board.h"\n#include A\n')):
        for name in "ab":
            assert "echo.c" in build(f"{name}{i}", header=text)[0]


def test_the_longest_unused_go_first(tmp_path):
    store = ObjectStore(tmp_path, most_bytes=40_000)
    for i in range(5):
        (tmp_path / "a.o").write_bytes(os.urandom(9_000))
        store.keep(str(i), tmp_path / "a.o")
        os.utime(tmp_path / f"{i}.zip", (i, i))
    (tmp_path / "a.o").unlink()
    assert store.give("0", tmp_path / "b" / "a.o")  # used just now
    store.prune()
    assert [path.stem for path in sorted(tmp_path.glob("*.zip"))] == ["0", "3", "4"]


def test_another_model_shares_all_that_no_model_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(firmware, "build_project", lambda *arguments: None)
    graph = read_tflite("examples/digits/digits_int8.tflite")
    keys = {}
    for name, recipe in (("all", Recipe()), ("last", Recipe(layers=("fully_connected_5",)))):
        plan = make_plan(graph, recipe, load_board(BOARD))
        firmware.build_firmware(plan, tmp_path / name, name)
        said = subprocess.run(["make", "-n"], cwd=tmp_path / name, capture_output=True, text=True)
        known = Keys(tmp_path / name)
        keys[name] = {found.source: known.of(found) for found in compilations(said.stdout)}
    both = keys["all"].keys() & keys["last"].keys()
    changed = {source for source in both if keys["all"][source] != keys["last"][source]}
    uses = {s for s in both if "model_config.h" in (tmp_path / "all" / s).read_text()}
    assert None not in keys["all"].values() and len(both) > 20
    assert {"model.c", "weights.c"} <= changed and len(changed) < len(both) / 2
    assert not changed & {s for s in both if "/engine/" in s or "/ports/" in s} - uses
