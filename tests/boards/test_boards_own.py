"""Files of a board's own: named in its board.toml, and taken over with it by `boards add`."""

import shutil
from pathlib import Path

import pytest
from pdsc_builder import FLASH, RAM, Device, memory, processor, write_pdsc

from edgetune.boards import list_boards, load_board
from edgetune.boards.adding import BoardWishes, add_board
from edgetune.boards.loader import read_board_file
from edgetune.boards.own import own_file, own_names
from edgetune.device.renode.scripts import platform_text
from edgetune.errors import UsageError

STM32L476 = Device("STM32L476RG", "STM32L4 Series", [
    processor("Cortex-M4", Dfpu="SP_FPU"),
    memory("Flash", 0x08000000, 0x100000, FLASH, "default", "startup"),
    memory("SRAM1", 0x20000000, 0x18000, RAM, "default"),
])  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder of work, and an empty pack folder."""
    monkeypatch.setenv("EDGETUNE_PACKS", str(tmp_path / "packs"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def add(like: str | None = None):
    pdsc = write_pdsc(Path(), STM32L476)
    return add_board("STM32L476RG", BoardWishes(like=like), pdsc=pdsc).board


def with_own_clock(folder: Path) -> Path:
    """A copy of the Nucleo-L476RG whose clock's start is a file of its own, with a header."""
    mine = folder / "boards" / "mine"
    shutil.copytree(load_board("nucleo-l476rg").folder, mine)
    text = (mine / "board.toml").read_text()
    assert text.count('"stm32/clock_l4.c"') == 1
    text = text.replace('"stm32/clock_l4.c"', '"board/start/clock.c"')
    (mine / "board.toml").write_text(text)
    (mine / "start").mkdir()
    (mine / "start" / "clock.c").write_text('#include "clock.h"\n')
    (mine / "start" / "clock.h").write_text("\n")
    return mine


def test_a_name_in_the_board_s_folder_begins_with_board():
    assert own_file(Path("x"), "board/a/b.c") == Path("x/a/b.c")
    assert own_file(Path("x"), "boards/a.c") is own_file(Path("x"), "platforms/a.repl") is None


@pytest.mark.parametrize("name", list_boards())
def test_what_boards_of_edgetune_name_of_their_own_is_there(name):
    board = load_board(name)
    names = own_names(read_board_file(board.folder))
    own = {path for path in board.folder.iterdir() if path.name != "board.toml"}
    assert {own_file(board.folder, one) for one in names} == own


def test_a_platform_for_renode_comes_along():
    board, original = add(), load_board("nucleo-l476rg")
    assert board.emulators == original.emulators
    assert (board.folder / "stm32l476.repl").read_bytes() == (
        original.folder / "stm32l476.repl"
    ).read_bytes()
    assert "usart2: UART.STM32F7_USART" in platform_text(board)


def test_sources_come_along_with_their_headers(folder):
    theirs = with_own_clock(folder)
    board = add(like="mine")
    files = {path.relative_to(board.folder).as_posix() for path in board.folder.rglob("*.*")}
    assert files == {"board.toml", "stm32l476.repl", "start/clock.c", "start/clock.h"}
    assert (board.folder / "start/clock.c").read_text() == (theirs / "start/clock.c").read_text()


def test_a_missing_one_is_named_and_nothing_written(folder):
    theirs = with_own_clock(folder)
    (theirs / "start" / "clock.c").unlink()
    with pytest.raises(UsageError) as caught:
        add(like="mine")
    assert str(theirs / "start" / "clock.c") in caught.value.cause
    assert [path.name for path in (folder / "boards").iterdir()] == ["mine"]
