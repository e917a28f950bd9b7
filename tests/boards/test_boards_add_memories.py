"""Boards from parts: memories, sectors and cores."""

from __future__ import annotations

import pytest
from board_parts import _MEMORIES, _add, _device, _regions
from pdsc_builder import FLASH, RAM, memory, stm32f407

from edgetune.boards import load_board
from edgetune.boards.adding import BoardWishes
from edgetune.errors import UsageError

pytestmark = pytest.mark.usefixtures("folder")


# Memories ----------------------------------------------------------------------------------------


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
