"""Board folders are complete, and unknown ones are refused helpfully."""

import shutil

import pytest

from edgetune import resources
from edgetune.boards import CORES, list_boards, load_board
from edgetune.errors import EdgetuneError, UsageError
from edgetune.resources import resource_path


@pytest.mark.parametrize("name", list_boards())
def test_board_is_complete(name):
    board = load_board(name)
    assert board.name == name
    assert board.flash.kind == "flash" and board.ram.kind == "ram"
    assert f"-mcpu={board.core.name}" in board.flags
    for source in board.port_sources:
        assert (resource_path("firmware") / "ports" / source).is_file()
    assert board.macros()["ET_UART_BASE"] == board.uart["base"]


@pytest.mark.parametrize("name", list_boards())
def test_no_board_claims_hardware(name):
    board = load_board(name)
    assert board.evidence_level in ("emulated", "built")


def test_every_core_has_a_board():
    assert {load_board(name).core.name for name in list_boards()} == set(CORES)


def test_discovery_has_the_chips_memory():
    board = load_board("stm32f4-discovery")
    assert (board.flash.origin, board.flash.length) == (0x08000000, 1024 * 1024)
    assert (board.ram.origin, board.ram.length) == (0x20000000, 128 * 1024)
    assert not next(region for region in board.regions if region.name == "ccm").use


def test_unknown_board_names_near_ones():
    with pytest.raises(UsageError) as caught:
        load_board("stm32f4discovery")
    assert "stm32f4-discovery" in caught.value.cause
    assert "edgetune boards list" in caught.value.next_step


def _copy(tmp_path, name="mine"):
    folder = tmp_path / name
    shutil.copytree(resource_path("boards") / "mps2-an386", folder)
    return folder


def _edit(folder, old, new):
    path = folder / "board.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_folder_of_the_users(tmp_path):
    folder = _copy(tmp_path)
    _edit(folder, "length = 0x400000", "length = 0x8000")
    board = load_board(folder)
    assert (board.name, board.ram.length) == ("mine", 0x8000)


@pytest.mark.parametrize(
    "old, new",
    [
        ('core = "cortex-m4"', 'core = "cortex-a9"'),
        ('chip = "AN386 FPGA image"', ""),
        ('kind = "ram"', 'kind = "rom"'),
        ('level = "emulated"', 'level = "certain"'),
        ("irq = 0 ", 'irq = "0"'),
        ("[uart]", "[uart"),
        ("length = 0x400000", "length = 0"),
        ('kind = "flash"', 'kind = "flash"\ncolour = "red"'),
    ],
)
def test_a_bad_board_file_is_refused(tmp_path, old, new):
    folder = _copy(tmp_path)
    _edit(folder, old, new)
    with pytest.raises(UsageError) as caught:
        load_board(folder)
    assert "board.toml" in caught.value.message and caught.value.cause


@pytest.mark.parametrize("table", ['platform = "board/mine.repl"', 'platform = 1\nuart = "uart"'])
def test_a_renode_platform_and_its_uart_have_names(tmp_path, table):
    folder = _copy(tmp_path)
    _edit(folder, "[[evidence]]\nclaim", f"[emulators.renode]\n{table}\n\n[[evidence]]\nclaim")
    with pytest.raises(UsageError) as caught:
        load_board(folder)
    assert "uart" in caught.value.cause or "emulators.renode.platform" in caught.value.cause


@pytest.mark.parametrize("name", ["b" * 24, "ä" * 13, "a b", 'a"b', "a\\b", "-b"])
def test_a_name_that_firmware_and_commands_cannot_hold_is_refused(tmp_path, name):
    with pytest.raises(UsageError) as caught:
        load_board(_copy(tmp_path, name))
    assert "name of 1 to 23" in caught.value.cause


def test_boards_come_out_of_a_wheel(monkeypatch, tmp_path):
    shutil.copytree(resource_path("boards"), tmp_path / "edgetune" / "_data" / "boards")
    names = list_boards()
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "edgetune")
    assert list_boards() == names
    assert load_board("mps2-an385").folder.is_relative_to(tmp_path)
    with pytest.raises(EdgetuneError):
        resource_path("firmware")
