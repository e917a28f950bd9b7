"""Boards from parts: their files, and the command line, on a terminal too."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from board_parts import _MEMORIES, _USART1, ROOT, _device
from cli_runner import MODEL, edgetune, refused, succeed
from pdsc_builder import PACK, stm32f407, write_pdsc
from thinned import thinned, thinned_rows

from edgetune.boards import board_argument, list_boards, list_own_boards, load_board
from edgetune.boards.adding import add_board
from edgetune.boards.adding.toml_text import board_text
from edgetune.boards.loader import read_board_file, tomllib
from edgetune.errors import DataError, UsageError
from edgetune.packs import PackStore, install_file

pytestmark = pytest.mark.usefixtures("folder")


# Files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", thinned(list_boards(), 7))
def test_the_text_of_a_board_reads_as_it_was(name):
    data = read_board_file(load_board(name).folder)
    assert tomllib.loads(board_text(["a comment"], data)) == data


def test_a_board_that_is_there_is_not_overwritten(folder):
    path = write_pdsc(folder, stm32f407())
    command = ("boards", "add", "STM32F407VG", "--pdsc", path)
    file = Path(succeed(*command)["folder"]) / "board.toml"
    file.write_text("mine")
    assert "exists already" in refused(*command)["message"] and file.read_text() == "mine"
    succeed(*command, "--force")
    assert file.read_text() != "mine"


@pytest.mark.parametrize("options", [
    ("--name", "x" * 24), ("--name", "../up"), ("--name", "stm32f4-discovery"), ("--name", "a b"),
    ("--name", "one", "--out", "two"), ("--out", "file/inside"),
], ids=" ".join)
def test_names_that_cannot_be_are_refused(folder, options):
    (folder / "file").write_text("")
    path = write_pdsc(folder, stm32f407())
    before = sorted(folder.rglob("*"))
    assert refused("boards", "add", "STM32F407VG", "--pdsc", path, *options)["exit_code"] == 2
    assert sorted(folder.rglob("*")) == before


def test_a_name_that_is_no_part_s_gets_into_no_file():
    device = stm32f407("X&quot;; rm")
    with pytest.raises((DataError, UsageError)):
        add_board('X"; rm', pdsc=write_pdsc(Path(), device))
    assert not Path("boards").exists()


# The command line --------------------------------------------------------------------------------


def test_a_board_of_one_s_own_is_found_by_name(folder):
    install_file(PackStore(), write_pdsc(folder, stm32f407()))
    edgetune("boards", "add", "STM32F407VG", "--name", "mine")
    assert list_own_boards() == ["mine"]
    boards = {board["name"]: board for board in succeed("boards", "list")["boards"]}
    assert boards["mine"]["own"] and boards["mine"]["evidence"] == "built"
    assert not boards["stm32f4-discovery"]["own"]
    assert "mine (yours)" in edgetune("boards", "list").stdout
    assert succeed("boards", "show", "mine")["chip"] == "STM32F407VGTx"
    for name in ("mine", "boards/mine"):
        assert succeed("plan", MODEL, "--board", name)["ram_available"] == 128 * 1024
        assert board_argument(load_board(name)) == "mine"
    assert "mine" in refused("boards", "show", "mines")["cause"]


def test_the_boards_of_the_package_are_nobody_s_own(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert list_own_boards() == []


def test_what_was_done_is_printed(folder):
    path = write_pdsc(folder, stm32f407())
    out = edgetune("boards", "add", "STM32F407VG", "--pdsc", path, "--out", "somewhere/mine").stdout
    assert PACK in out and "assumed" in out
    assert out.strip().endswith("edgetune plan MODEL --board somewhere/mine")


@pytest.mark.parametrize("option, value", thinned_rows([
    ("--uart", "base"), ("--uart", "base=x"), ("--uart", "colour=1"), ("--ram", "1"),
    ("--ram", "0xFFFFFFFF,2"), ("--ram", "0,0"), ("--clock", "0"), ("--clock", "168"),
    ("--tx", "A2"), ("--like", "nothing"), ("--processor", "CM9"), ("--uart", "driver=1"),
], 4))
def test_bad_options_are_refused(folder, option, value):
    path = write_pdsc(folder, stm32f407())
    error = refused("boards", "add", "STM32F407VG", "--pdsc", path, option, value)
    assert error["exit_code"] == 2


def test_refusals_have_the_right_code(folder):
    assert refused("boards", "add", "STM32F407VG")["exit_code"] == 9
    path = write_pdsc(folder, stm32f407())
    unknown = refused("boards", "add", "STM32F470VG", "--pdsc", path)
    assert unknown["exit_code"] == 2 and "STM32F407VGTx" in unknown["cause"]
    path.write_text(path.read_text()[:500])
    assert refused("boards", "add", "STM32F407VG", "--pdsc", path)["exit_code"] == 8
    assert refused("boards", "add", "STM32F407VG", "--pdsc", "none.pdsc")["exit_code"] == 2


def _on_a_terminal(answers: str, *args) -> str:
    """What `edgetune` says on a terminal where ``answers`` are typed."""
    ours, theirs = pty.openpty()
    code = "from edgetune.cli.main import main; main()"
    child = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)], stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True, env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"},
    )
    os.close(theirs)
    os.write(ours, answers.encode())
    said = b""
    try:
        while chunk := os.read(ours, 4096):
            said += chunk
    except OSError:  # the terminal closes with the child
        pass
    finally:
        os.close(ours)
        child.kill() if child.poll() is None and b"Next:" not in said else child.wait(timeout=60)
    return said.decode()


@pytest.mark.thorough
def test_on_a_terminal_it_asks_for_what_the_pack_lacks(folder):
    path = write_pdsc(folder, stm32f407())
    said = _on_a_terminal("\n\nPD5\nPD6\n8000000\n", "boards", "add", "STM32F407VG", "--pdsc", path)
    for question in ("[stm32f4-discovery]", "[0x40004400]", "TX pin [PA2]", "RX pin [PA3]",
                     "crystal"):
        assert question in said
    board = load_board("stm32f407vgtx")
    assert board.uart["tx_pin"] == 5 and board.uart["gpio_enable_mask"] == 0b1000
    assert board.clock["hse_hz"] == 8_000_000


@pytest.mark.thorough
def test_on_a_terminal_another_uart_can_be_chosen(folder):
    path = write_pdsc(folder, stm32f407())
    answers = "\n0x40011000\n37\n2\n0x40023844\n0x10\n7\nPA9\nPA10\n\n"
    _on_a_terminal(answers, "boards", "add", "STM32F407VG", "--pdsc", path)
    assert _USART1.items() <= load_board("stm32f407vgtx").uart.items()


@pytest.mark.thorough
def test_on_a_terminal_a_wrong_answer_is_asked_for_again(folder):
    path = write_pdsc(folder, stm32f407())
    answers = "nucleo-x\n\n\nPA99\nPD5\nPD6\n7\n8000000\n"
    said = _on_a_terminal(answers, "boards", "add", "STM32F407VG", "--pdsc", path)
    for refusal in ("Unknown board 'nucleo-x'", "'PA99' is no pin", "A crystal of 7 Hz"):
        assert refusal in said
    assert load_board("stm32f407vgtx").clock["hse_hz"] == 8_000_000


@pytest.mark.thorough
def test_on_a_terminal_nothing_is_asked_for_a_board_that_is_there(folder):
    path = write_pdsc(folder, stm32f407())
    edgetune("boards", "add", "STM32F407VG", "--pdsc", path)
    said = _on_a_terminal("", "boards", "add", "STM32F407VG", "--pdsc", path)
    assert "exists already" in said and "Board to take" not in said


@pytest.mark.thorough
def test_on_a_terminal_it_can_be_told_not_to_ask(folder):
    path = write_pdsc(folder, stm32f407())
    said = _on_a_terminal("", "boards", "add", "STM32F407VG", "--pdsc", path, "--yes")
    assert "[" not in said.split("assumed")[0] and load_board("stm32f407vgtx").uart["tx_pin"] == 2


@pytest.mark.thorough
def test_on_a_terminal_a_foreign_part_can_be_described(folder):
    path = write_pdsc(folder, _device("XM0001", "XM0 Series", "Cortex-M3", _MEMORIES[0]))
    answers = "mps2-an385\n0x20000000,0x8000\n0x40004000\n7\n12000000\n"
    _on_a_terminal(answers, "boards", "add", "XM0001", "--pdsc", path)
    board = load_board("xm0001")
    assert (board.uart["base"], board.uart["irq"], board.clock["hz"]) == (
        0x40004000, 7, 12_000_000
    )
    assert (board.ram.origin, board.ram.length) == (0x20000000, 0x8000)
