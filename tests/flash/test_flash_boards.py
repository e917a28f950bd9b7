"""Which tool writes a board: what board.toml and the command line say, and `make flash`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cli_runner import edgetune, refused
from echo_project import build_echo
from flash_stand_ins import StandIns

from edgetune.boards import list_boards, load_board
from edgetune.boards.flasher import FLASHERS
from edgetune.errors import DeviceNotFoundError
from edgetune.flash import FlashImage, choose_flasher
from edgetune.flash.probes import usb_probes
from edgetune.flash.select import TOOLS
from edgetune.resources import resource_path

BOARD = "stm32f4-discovery"
NAMED = [(name, tool) for name in list_boards() for tool in load_board(name).flasher["tools"]]


def named(tool: str) -> list[str]:
    return [name for name, other in NAMED if other == tool]


@pytest.mark.parametrize("name", named("openocd"))
def test_openocd_knows_the_scripts(name, tmp_path):
    """The real OpenOCD reads them, and then finds no probe."""
    if not shutil.which("openocd"):
        pytest.skip("OpenOCD is not installed")
    if usb_probes():
        pytest.skip("a debug probe is connected")
    image = FlashImage(tmp_path / "firmware.elf", ((0x08000000, b"1234"),), 0)
    with pytest.raises(DeviceNotFoundError) as caught:
        choose_flasher(load_board(name), "openocd").write(image)
    assert caught.value.message == "openocd found no debug probe."


@pytest.mark.parametrize("name", named("pyocd"))
def test_pyocd_knows_the_target_or_a_pack_brings_it(name):
    targets = pytest.importorskip("pyocd.target", reason="pyOCD is not installed").TARGET
    facts = load_board(name).flasher["pyocd"]
    maker, _, pack = facts.get("pack", "").partition(".")
    assert (facts["target"] in targets) != bool(maker and pack)


def test_every_board_is_written_or_says_how():
    for name in list_boards():
        flasher = load_board(name).flasher
        assert flasher["tools"] or flasher["note"]


# -- which tool -------------------------------------------------------------------------------


def test_every_tool_that_boards_may_name_exists():
    assert list(FLASHERS) == list(TOOLS)


@pytest.mark.parametrize(("options", "words"), [
    (("--tool", "uf2"), "is not written by 'uf2'"),
    (("--tool", "gdb"), "needs the address of a server"),
    (("--gdb", "localhost:1", "--probe", "1"), "--gdb takes neither"),
    (("--gdb", "localhost:1", "--tool", "openocd"), "--gdb takes neither"),
])  # fmt: skip
def test_tools_that_do_not_go_together(options, words):
    outcome = edgetune("flash", "--board", BOARD, "--image", "x.elf", *options)
    assert outcome.code == 2 and words in outcome.stderr


def test_a_board_that_nothing_writes():
    outcome = edgetune("flash", "--board", "mps2-an385", "--image", "x.elf")
    assert outcome.code == 2 and "micro-SD card" in outcome.stderr


@pytest.mark.parametrize("arguments", [(), ("model.tflite", "--image", "x.elf")])
def test_one_thing_to_write(arguments):
    outcome = edgetune("flash", "--board", BOARD, *arguments)
    assert outcome.code == 2 and "What is to be written?" in outcome.stderr


def test_an_image_comes_before_the_projects_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    StandIns(tmp_path, monkeypatch).add("gdb-multiarch", "")
    Path("edgetune.toml").write_text(f'model = "model.tflite"\nboard = "{BOARD}"\n')
    outcome = edgetune("flash", "--image", "missing.elf", "--gdb", "127.0.0.1:1")
    assert outcome.code == 2 and "missing.elf cannot be written" in outcome.stderr


def test_a_missing_tool_is_named_before_building(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    StandIns(tmp_path, monkeypatch)
    outcome = edgetune("flash", "no.tflite", "--board", BOARD, "--tool", "jlink")
    assert outcome.code == 9 and "JLinkExe was not found" in outcome.stderr


# -- board.toml -------------------------------------------------------------------------------


def copy(folder: Path, old: str, new: str) -> Path:
    """A board folder: the STM32F4 Discovery's with ``old`` replaced."""
    shutil.copytree(resource_path("boards") / BOARD, folder)
    path = folder / "board.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return folder


LISTED = 'tools = ["pyocd", "openocd", "st-flash", "jlink"]'
WRONG = [
    (LISTED, 'tools = ["pyocd", "soldering-iron"]', "No flasher is called 'soldering-iron'"),
    (LISTED, "tools = []", "flasher.note does not say why"),
    (LISTED, 'tool = "pyocd"', "'tools'"),
    (LISTED, 'tools = ["uf2"]', "flasher.uf2.family"),
    ('scripts = ["board/stm32f4discovery.cfg"]', 'scripts = "one"', "flasher.openocd.scripts"),
    ('target = "stm32f407vgtx"', "", "flasher.pyocd.target"),
    ("value = 0x411\n", "", "flasher.identity.value"),
]


@pytest.mark.parametrize(("old", "new", "words"), WRONG, ids=[words for *_, words in WRONG])
def test_a_board_that_says_it_wrongly(tmp_path, old, new, words):
    error = refused("boards", "show", copy(tmp_path / "wrong", old, new))
    assert error["exit_code"] == 2 and words in error["cause"]


# -- make flash -------------------------------------------------------------------------------

MADE = [
    ("pyocd", "pyocd", ["flash", "--target", "stm32f407vgtx", "build/firmware.elf"]),
    ("openocd", "openocd", ["-f", "board/stm32f4discovery.cfg", "-c",
                            "program build/firmware.elf verify reset exit"]),
    ("st-flash", "st-flash", ["--reset", "write", "build/firmware.bin", "0x08000000"]),
    ("jlink", "JLinkExe", ["-NoGui", "1", "-ExitOnError", "1", "-if", "SWD", "-speed", "4000",
                           "-autoconnect", "1", "-device", "STM32F407VG"]),
    ("picotool", "picotool", ["load", "-v", "-x", "build/firmware.elf", "-t", "elf"]),
]  # fmt: skip


def make_flash(folder: Path, board) -> subprocess.CompletedProcess:
    if not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("the Arm compiler is not installed")
    build_echo(folder, str(board))
    return subprocess.run(
        ["make", "flash"], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )


@pytest.mark.thorough
@pytest.mark.parametrize(("tool", "program", "arguments"), MADE, ids=[made[0] for made in MADE])
def test_make_flash(tmp_path, monkeypatch, tool, program, arguments):
    board = copy(tmp_path / "my-board", LISTED, f'tools = ["{tool}"]')
    stand_in = StandIns(tmp_path, monkeypatch, alone=False).add(program, "")
    done = make_flash(tmp_path / "project", board)
    assert done.returncode == 0, done.stdout + done.stderr
    assert stand_in.arguments == arguments
    if tool == "jlink":
        assert stand_in.input.split("\n") == ["r", "loadfile build/firmware.elf", "r", "g",
                                              "exit", ""]
