"""Boards made from parts' descriptions: complete, built, and run where QEMU has the chip."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from cli_runner import DATA, MODEL, edgetune, refused, succeed
from emulators import needs_gcc, needs_qemu
from pdsc_builder import (
    FLASH,
    PACK,
    RAM,
    Device,
    memory,
    processor,
    stm32f407,
    write_pack,
    write_pdsc,
)

from edgetune.boards import board_argument, list_boards, list_own_boards, load_board
from edgetune.boards.adding import BoardWishes, add_board
from edgetune.boards.adding.pins import pin_names, set_pins
from edgetune.boards.adding.toml_text import board_text
from edgetune.boards.loader import read_board_file, tomllib
from edgetune.errors import DataError, UsageError
from edgetune.packs import PackStore, install_file

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder of work, and an empty pack folder."""
    monkeypatch.setenv("EDGETUNE_PACKS", str(tmp_path / "packs"))
    monkeypatch.delenv("EDGETUNE_CMSIS_NN", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _add(device: Device, wishes: BoardWishes | None = None, **others):
    return add_board(device.name, wishes, pdsc=write_pdsc(Path(), device), **others)


def _device(name, family, core, *memories, **facts):
    return Device(name, family, [processor(core, **facts), *memories])


_MEMORIES = (
    memory("Flash", 0x08000000, 0x20000, FLASH, "default", "startup"),
    memory("SRAM", 0x20000000, 0x5000, RAM, "default"),
)


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


# Clock -------------------------------------------------------------------------------------------


def test_without_a_crystal_the_internal_oscillator_is_used():
    clock = _add(stm32f407()).board.clock
    assert clock["hse_hz"] == 0 and clock["hz"] == 168_000_000
    board = _add(_device("STM32F103C8", "STM32F1 Series", "Cortex-M3", *_MEMORIES)).board
    assert board.clock["hz"] == 64_000_000  # the F1 halves it before the PLL


@pytest.mark.parametrize("crystal, divider, multiplier", [
    (8_000_000, 8, 336), (25_000_000, 25, 336), (12_000_000, 12, 336),
])
def test_a_crystal_of_another_frequency_gives_the_same_clock(crystal, divider, multiplier):
    clock = _add(stm32f407(), BoardWishes(crystal_hz=crystal)).board.clock
    assert (clock["hse_hz"], clock["pll_hse_divider"]) == (crystal, divider)
    assert crystal // divider * multiplier // clock["pll_system_divider"] == clock["hz"]
    assert clock["hsi_hz"] // clock["pll_hsi_divider"] * clock["pll_multiplier"] == 2 * clock["hz"]


def test_both_sources_keep_one_frequency_where_the_factors_must_change():
    wishes = BoardWishes(like="nucleo-f401re", crystal_hz=25_000_000)
    clock = _add(stm32f407("STM32F401CC"), wishes).board.clock
    for source, divider in (("hse_hz", "pll_hse_divider"), ("hsi_hz", "pll_hsi_divider")):
        vco = clock[source] // clock[divider] * clock["pll_multiplier"]
        assert vco // clock["pll_system_divider"] == clock["hz"] == 84_000_000


@pytest.mark.parametrize("like, crystal", [
    ("stm32f4-discovery", 8_000_001), ("stm32f4-discovery", 100_000_000),
    ("nucleo-f103rb", 7_000_000), ("nucleo-l476rg", 8_000_000),
])
def test_a_crystal_that_does_not_suit_is_refused(like, crystal):
    chip = load_board(like)
    device = _device(chip.chip, chip.chip[:7], f"Cortex-M{chip.core.name[-1]}", *_MEMORIES)
    with pytest.raises(UsageError) as caught:
        _add(device, BoardWishes(like=like, crystal_hz=crystal))
    assert "--crystal" in caught.value.next_step


def test_a_slower_part_keeps_the_reset_clock():
    added = _add(stm32f407(clock=100_000_000), BoardWishes(like="stm32f4-discovery"))
    assert added.board.clock == {"hz": 16_000_000}
    assert added.board.port_sources[0] == "cortex_m/fixed_clock.c"
    assert not any("clock_f4" in name for name in added.board.port_sources)
    assert any("may not run at 168 MHz" in line for line in added.assumed)


def test_the_clock_can_be_chosen():
    fixed = _add(stm32f407(), BoardWishes(clock_hz=16_000_000), name="fixed").board
    assert fixed.clock == {"hz": 16_000_000}
    slow = stm32f407(clock=100_000_000)
    wishes = BoardWishes(like="stm32f4-discovery", clock_hz=168_000_000)
    assert "stm32/clock_f4.c" in _add(slow, wishes, name="anyway").board.port_sources


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


@pytest.mark.parametrize("chip, family", [(c, f) for f, chips in _FAMILIES.items() for c in chips])
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

# RM0090: register boundary addresses, vector table, RCC_APB2ENR; DS8626 table 9.
_USART1 = {
    "base": 0x40011000, "irq": 37, "apb": 2, "enable_register": 0x40023844, "enable_mask": 0x10,
    "alternate": 7,
}  # fmt: skip


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


# Memories ----------------------------------------------------------------------------------------


def _regions(*memories, family="XM0 Series", **wishes):
    device = _device("XM0001", family, "Cortex-M4", *memories)
    wishes = BoardWishes(like="stm32f4-discovery", clock_hz=1_000_000, uart={
        key: 1 for key, value in load_board("stm32f4-discovery").uart.items()
        if isinstance(value, int)
    }, **wishes)
    board = _add(device, wishes, force=True).board
    return [(r.name, r.kind, r.origin, r.length, r.use) for r in board.regions]


def test_memories_meant_for_use_that_touch_are_one():
    assert _regions(
        memory("Bank1", 0x08000000, 0x10000, FLASH, "default", "startup"),
        memory("Bank2", 0x08010000, 0x10000, FLASH, "default", "startup"),
        memory("ITCM_Flash", 0x00200000, 0x20000, FLASH),
        memory("DTCM", 0x1FFF0000, 0x10000, RAM),
        memory("SRAM1", 0x20000000, 0x8000, RAM, "default"),
        memory("SRAM2", 0x20008000, 0x8000, RAM, "default"),
        memory("SRAM3", 0x20010000, 0x8000, RAM),
        memory("NONE", 0x30000000, 0, RAM, "default"),
    ) == [
        ("bank1", "flash", 0x08000000, 0x20000, True),
        ("sram1", "ram", 0x20000000, 0x10000, True),
        ("itcm-flash", "flash", 0x00200000, 0x20000, False),
        ("dtcm", "ram", 0x1FFF0000, 0x10000, False),
        ("sram3", "ram", 0x20010000, 0x8000, False),
    ]


def test_without_marks_the_largest_counts():
    used = [one for one in _regions(
        memory("A", 0x08000000, 0x10000, FLASH), memory("B", 0x09000000, 0x20000, FLASH),
        memory("C", 0x20000000, 0x20000, RAM), memory("D", 0x30000000, 0x10000, RAM),
    ) if one[-1]]
    assert [one[0] for one in used] == ["b", "c"]


def test_memories_can_be_chosen():
    regions = _regions(flash=(0x10000000, 0x10000), ram=(0x20000000, 0x1000))
    assert regions == [
        ("flash", "flash", 0x10000000, 0x10000, True), ("ram", "ram", 0x20000000, 0x1000, True)
    ]


def test_of_a_part_with_trustzone_the_open_aliases_are_used():
    device = _device(
        "STM32L552ZETx", "STM32L5 Series", "Cortex-M33",
        memory("Flash-non-secure", 0x08000000, 0x80000, FLASH, "default", "startup"),
        memory("Flash-secure", 0x0C000000, 0x80000, FLASH, "startup"),
        memory("SRAM-secure", 0x30000000, 0x40000, RAM),
        memory("SRAM-non-secure", 0x20000000, 0x40000, RAM, "default"),
        Ddsp="DSP", Dtz="TZ", Dfpu="SP_FPU", Dclock=110_000_000,
    )  # fmt: skip
    added = _add(device)
    assert (added.board.flash.origin, added.board.ram.origin) == (0x08000000, 0x20000000)
    assert added.board.ram.length == 0x40000 and not added.board.emulators  # has less RAM there


def test_the_relative_s_choice_of_memory_is_kept():
    device = _device(
        "STM32H743ZITx", "STM32H7 Series", "Cortex-M7",
        memory("FLASH", 0x08000000, 0x200000, FLASH, "default", "startup"),
        memory("DTCM", 0x20000000, 0x20000, RAM, "default"),
        memory("RAM_D1", 0x24000000, 0x80000, RAM),
    )  # fmt: skip
    assert _add(device).board.ram.origin == load_board("nucleo-h753zi").ram.origin == 0x24000000


def test_a_smaller_flash_has_fewer_sectors():
    device = stm32f407("STM32F407VETx")
    device.body[1] = memory("Flash", 0x08000000, 0x80000, FLASH, "default", "startup")
    geometry = _add(device).board.geometry
    assert sum(count * size for count, size in geometry.sectors) == 0x80000
    assert geometry.sectors == ((4, 0x4000), (1, 0x10000), (3, 0x20000))


@pytest.mark.parametrize("length", [0x200000, 0x81000])
def test_a_flash_that_the_sectors_do_not_fit_gets_none(length):
    device = stm32f407("STM32F407XXTx")
    device.body[1] = memory("Flash", 0x08000000, length, FLASH, "default", "startup")
    added = _add(device)
    assert added.board.geometry is None
    assert any("[flash]: left out" in line for line in added.assumed)


# Cores -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("core, spoken", [
    ("Cortex-M85", "Cortex-M85"), ("Cortex-R4", "Cortex-R4"), ("Cortex-A7", "Cortex-A7"),
])
def test_a_core_without_code_is_refused(core, spoken):
    with pytest.raises(UsageError) as caught:
        _add(_device("X1", "X Series", core, *_MEMORIES))
    assert spoken in caught.value.message and "Cortex-M0+" in caught.value.cause


@pytest.mark.parametrize("core, without", [
    ("Cortex-M33", {"Ddsp": "NO_DSP"}), ("Cortex-M55", {"Dmve": "NO_MVE"}),
])
def test_a_core_without_the_instructions_its_firmware_uses_is_refused(core, without):
    with pytest.raises(UsageError) as caught:
        _add(_device("X1", "X Series", core, *_MEMORIES, **without))
    assert "instructions" in caught.value.message


@pytest.mark.parametrize("core, fpu, name", [
    ("Cortex-M4", "SP_FPU", "fpv4-sp-d16"), ("Cortex-M4", "NO_FPU", "none"),
    ("Cortex-M7", "DP_FPU", "fpv5-d16"), ("Cortex-M7", "SP_FPU", "fpv5-sp-d16"),
    ("Cortex-M3", "NO_FPU", "none"),
])
def test_the_fpu(core, fpu, name):
    device = _device("X1", "X Series", core, *_MEMORIES, Dfpu=fpu)
    with pytest.raises(UsageError):
        _add(device)
    wishes = BoardWishes(like="mps2-an386", uart={"base": 1, "irq": 1}, clock_hz=1_000_000)
    assert _add(device, wishes).board.fpu == name


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


@pytest.mark.parametrize("name", list_boards())
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


# Files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list_boards())
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


@pytest.mark.parametrize("option, value", [
    ("--uart", "base"), ("--uart", "base=x"), ("--uart", "colour=1"), ("--ram", "1"),
    ("--ram", "0xFFFFFFFF,2"), ("--ram", "0,0"), ("--clock", "0"), ("--clock", "168"),
    ("--tx", "A2"), ("--like", "nothing"), ("--processor", "CM9"), ("--uart", "driver=1"),
])
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


def test_on_a_terminal_it_asks_for_what_the_pack_lacks(folder):
    path = write_pdsc(folder, stm32f407())
    said = _on_a_terminal("\n\nPD5\nPD6\n8000000\n", "boards", "add", "STM32F407VG", "--pdsc", path)
    for question in ("[stm32f4-discovery]", "[0x40004400]", "TX pin [PA2]", "RX pin [PA3]",
                     "crystal"):
        assert question in said
    board = load_board("stm32f407vgtx")
    assert board.uart["tx_pin"] == 5 and board.uart["gpio_enable_mask"] == 0b1000
    assert board.clock["hse_hz"] == 8_000_000


def test_on_a_terminal_another_uart_can_be_chosen(folder):
    path = write_pdsc(folder, stm32f407())
    answers = "\n0x40011000\n37\n2\n0x40023844\n0x10\n7\nPA9\nPA10\n\n"
    _on_a_terminal(answers, "boards", "add", "STM32F407VG", "--pdsc", path)
    assert _USART1.items() <= load_board("stm32f407vgtx").uart.items()


def test_on_a_terminal_a_wrong_answer_is_asked_for_again(folder):
    path = write_pdsc(folder, stm32f407())
    answers = "nucleo-x\n\n\nPA99\nPD5\nPD6\n7\n8000000\n"
    said = _on_a_terminal(answers, "boards", "add", "STM32F407VG", "--pdsc", path)
    for refusal in ("Unknown board 'nucleo-x'", "'PA99' is no pin", "A crystal of 7 Hz"):
        assert refusal in said
    assert load_board("stm32f407vgtx").clock["hse_hz"] == 8_000_000


def test_on_a_terminal_nothing_is_asked_for_a_board_that_is_there(folder):
    path = write_pdsc(folder, stm32f407())
    edgetune("boards", "add", "STM32F407VG", "--pdsc", path)
    said = _on_a_terminal("", "boards", "add", "STM32F407VG", "--pdsc", path)
    assert "exists already" in said and "Board to take" not in said


def test_on_a_terminal_it_can_be_told_not_to_ask(folder):
    path = write_pdsc(folder, stm32f407())
    said = _on_a_terminal("", "boards", "add", "STM32F407VG", "--pdsc", path, "--yes")
    assert "[" not in said.split("assumed")[0] and load_board("stm32f407vgtx").uart["tx_pin"] == 2


def test_on_a_terminal_a_foreign_part_can_be_described(folder):
    path = write_pdsc(folder, _device("XM0001", "XM0 Series", "Cortex-M3", _MEMORIES[0]))
    answers = "mps2-an385\n0x20000000,0x8000\n0x40004000\n7\n12000000\n"
    _on_a_terminal(answers, "boards", "add", "XM0001", "--pdsc", path)
    board = load_board("xm0001")
    assert (board.uart["base"], board.uart["irq"], board.clock["hz"]) == (
        0x40004000, 7, 12_000_000
    )
    assert (board.ram.origin, board.ram.length) == (0x20000000, 0x8000)
