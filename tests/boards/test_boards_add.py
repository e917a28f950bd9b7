"""Boards made from parts' descriptions: complete, built, and run where QEMU has the chip."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from board_parts import _MEMORIES, _USART1, _add, _device
from cli_runner import DATA, MODEL, refused, succeed
from emulators import needs_gcc, needs_qemu
from pdsc_builder import PACK, stm32f407, write_pack, write_pdsc
from thinned import thinned, thinned_rows

from edgetune.boards import list_boards, load_board
from edgetune.boards.adding import BoardWishes
from edgetune.boards.adding.pins import pin_names, set_pins
from edgetune.boards.loader import read_board_file
from edgetune.errors import UsageError
from edgetune.packs import PackStore

pytestmark = pytest.mark.usefixtures("folder")


# The STM32F407, whose board comes with edgetune ---------------------------------------------------


def test_a_board_has_the_facts_of_the_pack_and_of_its_relative():
    added = _add(stm32f407())
    board, discovery = added.board, load_board("stm32f4-discovery")
    assert board.folder == Path.cwd() / "boards" / "stm32f407vgtx"
    assert load_board(board.folder) == board
    assert (board.chip, board.maker) == ("STM32F407VGTx", "STMicroelectronics")
    assert (board.core, board.fpu) == (discovery.core, discovery.fpu)
    used = [(r.kind, r.origin, r.length, r.use) for r in board.regions]
    assert used == [
        ("flash", 0x08000000, 0x100000, True),
        ("ram", 0x20000000, 0x20000, True),
        ("ram", 0x10000000, 0x10000, False),
    ]
    assert board.uart == discovery.uart | {"pins": "TX PA2, RX PA3"}  # where its own leads to
    assert board.port_sources == discovery.port_sources
    assert board.geometry == discovery.geometry and board.emulators == discovery.emulators
    assert board.flasher["pyocd"] == {"target": "stm32f407vgtx", "pack": "Madeup.Parts_DFP"}
    assert board.flasher["identity"] == discovery.flasher["identity"]
    assert "identity" not in _add(stm32f407("STM32F411CEUx")).board.flasher


@pytest.mark.thorough
@pytest.mark.skipif(find_spec("pyocd") is None, reason="pyOCD is not installed")
def test_pyocd_knows_its_target_from_the_installed_pack(folder, monkeypatch):
    monkeypatch.delenv("EDGETUNE_PACKS")
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data"))  # where packs lie by default
    pack = write_pack(folder / "parts.pack", {}, devices=(stm32f407(),))
    assert PackStore().folder.is_relative_to(folder)
    succeed("packs", "install", pack)
    succeed("boards", "add", "STM32F407VG")
    target = load_board("stm32f407vgtx").flasher["pyocd"]["target"]
    command = [sys.executable, "-m", "pyocd", "list", "--targets", "--no-header", "-n", target]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert f"{target} " in done.stdout and "pack" in done.stdout, done.stdout + done.stderr


def test_it_claims_nothing_that_was_not_tried():
    board = _add(stm32f407()).board
    assert board.evidence_level == "built"
    assert all("never built or run" in one.where and PACK in one.where for one in board.evidence)


def test_what_was_taken_and_assumed_is_said():
    added = _add(stm32f407())
    assert any(PACK in line for line in added.taken)
    assert any("stm32f4-discovery" in line for line in added.taken)
    for word in ("UART", "clock", "emulators"):
        assert any(word in line for line in added.assumed), word
    text = (added.board.folder / "board.toml").read_text()
    comment = " ".join(line[2:] for line in text.splitlines() if line.startswith("# "))
    assert all(line in comment for line in (*added.taken, *added.assumed))


@needs_gcc
@needs_qemu
@pytest.mark.thorough
def test_it_learns_in_qemu_as_on_the_pc():
    board = succeed("boards", "add", "STM32F407VG", "--pdsc", write_pdsc(Path(), stm32f407()))
    results = [
        succeed("verify", MODEL, "--board", board["name"], "--device", device, "--data", DATA,
                "--steps", 20)
        for device in ("qemu", "host")
    ]
    assert results[0]["digest"] == results[1]["digest"] and results[0]["steps"] == 20


# Relatives ---------------------------------------------------------------------------------------


_FAMILIES = {
    "STM32F4 Series": ("STM32F407VG", "STM32F401RE", "STM32F446RE"),
    "STM32F1 Series": ("STM32F103RB", "STM32F100RB"),
    "STM32F7 Series": ("STM32F746NG",), "STM32L4 Series": ("STM32L476RG",),
    "STM32L5 Series": ("STM32L552ZE",), "STM32G0 Series": ("STM32G071RB",),
    "STM32H7 Series": ("STM32H753ZI",), "nRF52 Series": ("nRF52840",),
    "RP2040 Series": ("RP2040",),
}
_CORE_NAMES = {"cortex-m0plus": "Cortex-M0+"}


_CHIPS = [(chip, family) for family, chips in _FAMILIES.items() for chip in chips]


@pytest.mark.parametrize("chip, family", thinned_rows(_CHIPS, 4))
def test_the_board_with_the_same_chip_is_the_relative(chip, family):
    original = next(b for b in map(load_board, list_boards()) if b.chip == chip)
    core = _CORE_NAMES.get(original.core.name, original.core.name.replace("cortex-m", "Cortex-M"))
    wishes = BoardWishes(flash=(original.flash.origin, original.flash.length),
                    ram=(original.ram.origin, original.ram.length))
    board = _add(_device(chip, family, core, *_MEMORIES), wishes, name="copy").board
    pins = {"pins": board.uart["pins"]} if "pins" in original.uart else {}
    assert (board.uart, board.counter) == (original.uart | pins, original.counter)
    assert board.port_sources == original.port_sources
    assert (board.geometry, board.emulators) == (original.geometry, original.emulators)


def test_of_several_relatives_one_that_the_part_can_keep_up_with_is_taken():
    added = _add(stm32f407("STM32F411CEUx", clock=100_000_000))
    assert any("nucleo-f401re" in line for line in added.taken)
    assert added.board.clock["hz"] == 84_000_000
    assert any("another line" in line for line in added.assumed)


def test_another_core_is_no_relative():
    device = _device("RP2350", "RP2 Series", "Cortex-M33", *_MEMORIES)
    with pytest.raises(UsageError) as caught:
        _add(device)
    assert "--like BOARD" in caught.value.cause


def test_without_a_relative_every_missing_option_is_named_at_once():
    device = _device("XM0001", "XM0 Series", "Cortex-M4", _MEMORIES[0])
    path = write_pdsc(Path(), device)
    error = refused("boards", "add", "XM0001", "--pdsc", path)
    assert error["exit_code"] == 2
    for option in ("--like", "--uart base", "--uart irq", "--tx", "--rx", "--clock", "--ram"):
        assert option in error["cause"]
    error = refused("boards", "add", "XM0001", "--pdsc", path, "--like", "nucleo-l476rg")
    for option in ("--uart enable_register", "--uart alternate", "--clock", "--ram"):
        assert option in error["cause"]
    assert not Path("boards").exists()


FOREIGN = {
    "base": 0x40013800, "irq": 27, "enable_register": 0x40021018, "enable_mask": 0x4000,
    "tx_gpio_base": 0x48000000, "rx_gpio_base": 0x48000000, "gpio_enable_register": 0x40021014,
    "gpio_enable_mask": 0x20000, "alternate": 1,
}  # fmt: skip


@needs_gcc
@pytest.mark.thorough
def test_a_part_of_another_family_shares_drivers():
    """An STM32F072: a Cortex-M0 with the newer USART, from its reference manual RM0091."""
    device = _device("STM32F072RB", "STM32F0 Series", "Cortex-M0", *_MEMORIES)
    wishes = BoardWishes(like="nucleo-g071rb", uart=FOREIGN, tx="PA9", rx="PA10",
                         clock_hz=8_000_000)
    added = _add(device, wishes, name="f072")
    assert added.board.core.name == "cortex-m0plus"
    assert any("runs on a Cortex-M0" in line for line in added.assumed)
    assert set(added.board.port_sources) == {
        "cortex_m/fixed_clock.c", "stm32/usart_v2.c", "stm32/gpio_v2.c", "cortex_m/no_counter.c"
    }
    assert (added.board.uart["tx_pin"], added.board.uart["rx_pin"]) == (9, 10)
    assert not added.board.emulators and added.board.geometry is None
    succeed("build", MODEL, "--board", "f072", "--layers", "last")


@needs_gcc
@pytest.mark.thorough
@pytest.mark.parametrize("device, wishes", [
    (stm32f407(clock=100_000_000), BoardWishes(like="stm32f4-discovery")),
    (stm32f407("STM32F411CEUx", clock=100_000_000), BoardWishes(crystal_hz=25_000_000)),
    (_device("STM32L412KB", "STM32L4 Series", "Cortex-M4", *_MEMORIES, Dclock=24_000_000),
     BoardWishes()),
    (_device("STM32F103C8", "STM32F1 Series", "Cortex-M3", *_MEMORIES), BoardWishes(tx="PB10")),
], ids=["F407 at reset clock", "F411", "L412 at reset clock", "F103"])
def test_added_boards_build(device, wishes):
    board = _add(device, wishes, name="mine").board
    succeed("build", MODEL, "--board", board.name, "--layers", "last")


# Another UART of the chip -------------------------------------------------------------------------


def test_another_uart_takes_nothing_over_that_is_of_one_uart_alone():
    some = {"base": _USART1["base"], "irq": _USART1["irq"]}
    with pytest.raises(UsageError) as caught:
        _add(stm32f407(), BoardWishes(uart=some))
    missing = caught.value.cause
    for option in ("--uart apb", "--uart enable_register", "--uart enable_mask",
                   "--uart alternate", "--tx", "--rx"):
        assert option in missing
    assert "irq" not in missing and not Path("boards").exists()
    uart = _add(stm32f407(), BoardWishes(uart=_USART1, tx="PA9", rx="PA10")).board.uart
    assert _USART1.items() <= uart.items() and uart["pins"] == "TX PA9, RX PA10"


def test_other_pins_of_the_same_uart_come_with_a_word_of_caution():
    added = _add(stm32f407(), BoardWishes(tx="PD5", rx="PD6"))
    assert any("another UART" in line for line in added.assumed)
    assert added.board.uart["base"] == load_board("stm32f4-discovery").uart["base"]


# Pins --------------------------------------------------------------------------------------------


def _pins(name, tx, rx):
    data = read_board_file(load_board(name).folder)
    return data["uart"], set_pins(data["uart"], data["port"]["sources"], tx, rx)


def test_stm32_pins_bring_their_ports():
    _, uart = _pins("stm32f4-discovery", "PD5", "PA3")
    assert (uart["tx_gpio_base"], uart["tx_pin"]) == (0x40020C00, 5)
    assert (uart["rx_gpio_base"], uart["rx_pin"]) == (0x40020000, 3)
    assert uart["gpio_enable_mask"] == 0b1001
    _, uart = _pins("nucleo-f103rb", "PB10", "PB11")
    assert (uart["tx_gpio_base"], uart["gpio_enable_mask"]) == (0x40010C00, 1 << 3)
    _, uart = _pins("nucleo-h753zi", "PA0", "PA1")  # whose own pins are in port D
    assert (uart["rx_gpio_base"], uart["gpio_enable_mask"]) == (0x58020000, 1)


def test_other_pins_are_numbers():
    _, uart = _pins("nrf52840-dk", "P1.02", "P0.08")
    assert (uart["tx_pin"], uart["rx_pin"]) == (34, 8)
    _, uart = _pins("raspberry-pi-pico", "GPIO4", "5")
    assert (uart["tx_pin"], uart["rx_pin"]) == (4, 5)


@pytest.mark.parametrize("name", thinned(list_boards(), 7))
def test_a_board_s_own_pins_change_nothing(name):
    data = read_board_file(load_board(name).folder)
    names = pin_names(data["uart"], data["port"]["sources"])
    if names:
        assert set_pins(data["uart"], data["port"]["sources"], **names) == data["uart"]


@pytest.mark.parametrize("board, pin", [
    ("stm32f4-discovery", "PA16"), ("stm32f4-discovery", "PZ1"), ("stm32f4-discovery", "2"),
    ("nrf52840-dk", "PA2"), ("nrf52840-dk", "-1"), ("mps2-an385", "PA2"),
])
def test_what_is_no_pin_is_refused(board, pin):
    with pytest.raises(UsageError) as caught:
        _pins(board, pin, None)
    assert "pin" in caught.value.message
