"""The clock start of the STM32H743/H753 against a model of PWR, RCC and FLASH."""


import pytest
from emulators import needs_gcc
from registers import Machine
from registers.clock_h7 import (
    CFGR,
    CR,
    CR3,
    D2CFGR,
    D3CR,
    PLL1DIVR,
    PLL1ON,
    PLLCFGR,
    PLLCKSELR,
    REVISION_V,
    REVISION_Y,
    H7Chip,
)

from edgetune.boards import load_board

pytestmark = [needs_gcc, pytest.mark.thorough]

BOARD = "nucleo-h753zi"
SOURCES = ["stm32/clock_h7.c"]
PATIENT = 5_000_000  # instructions; one wait that is given up takes about a million


def _start(folder, **options):
    board = load_board(BOARD)
    chip = H7Chip(board.clock, **options)
    machine = Machine(folder, board, SOURCES, chip.models)
    machine.call("et_clock_start", machine.scratch, instructions=PATIENT)
    return chip, machine, tuple(machine.words(machine.scratch, 2))


@pytest.mark.parametrize("locked", [False, True])
def test_the_chip_reaches_its_speed(tmp_path, locked):
    chip, machine, clocks = _start(tmp_path, locked=locked)
    assert clocks == (400_000_000, 100_000_000)
    assert chip.rcc.values[CFGR] & 7 == 3
    assert len(machine.values("PWR", CR3)) == (0 if locked else 1)
    assert machine.order(("RCC", D2CFGR), ("PWR", D3CR), ("FLASH", 0), ("RCC", CFGR))


def test_what_the_firmware_does_not_use_of_the_plls_stays(tmp_path):
    chip, _, _ = _start(tmp_path)
    assert chip.rcc.values[PLLCKSELR] & 0x03F3F000 == 0x02020000, "DIVM2 and DIVM3"
    assert chip.rcc.values[PLL1DIVR] >> 16 == 0x0101, "DIVQ1 and DIVR1"
    assert chip.rcc.values[PLLCFGR] >> 19 == 0x01FF0000 >> 19, "the outputs of PLL2 and PLL3"


@pytest.mark.parametrize("idc, repaired", [(REVISION_Y, [1]), (REVISION_V, [])])
def test_the_axi_sram_of_old_revisions_is_repaired(tmp_path, idc, repaired):
    _, machine, _ = _start(tmp_path, idc=idc)
    assert machine.values("AXI", 0x8) == repaired


STUCK = ["supply", "voltage", "pll", "flash", "switch"]


@pytest.mark.parametrize("stuck", STUCK)
def test_what_never_becomes_ready_leaves_the_reset_clock(tmp_path, stuck):
    chip, _, clocks = _start(tmp_path, stuck=stuck)
    assert clocks == (64_000_000, 16_000_000)
    assert chip.rcc.values[CFGR] & 7 == 0
    if stuck == "pll":
        assert not chip.rcc.values[CR] & PLL1ON
