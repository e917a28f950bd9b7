"""The clock start of STM32L4, L5 and G0 against models of PWR, RCC and FLASH."""


import pytest
from emulators import needs_gcc
from registers import Machine
from registers.clock_l4 import FAMILIES, PLLON, HsiPllChip

from edgetune.boards import load_board

pytestmark = [needs_gcc, pytest.mark.thorough]

PATIENT = 5_000_000  # instructions; one wait that is given up takes about a million
STEPS = ["pll"]
OTHERS = ("voltage", "oscillator", "flash", "switch")
STEPS += [pytest.param(step, marks=pytest.mark.thorough) for step in OTHERS]


def _start(folder, name, stuck=None):
    board = load_board(name)
    chip = HsiPllChip(board, stuck)
    sources = [chip.family.source, "stm32/hsi_pll.c"]
    machine = Machine(folder, board, sources, chip.models)
    machine.call("et_clock_start", machine.scratch, instructions=PATIENT)
    return chip, machine, tuple(machine.words(machine.scratch, 2))


@pytest.mark.parametrize("name", FAMILIES)
def test_the_chip_reaches_its_speed(tmp_path, name):
    chip, machine, clocks = _start(tmp_path, name)
    assert clocks == (chip.clock["hz"], chip.clock["hz"])
    assert chip.rcc.values[0x8] & chip.family.sw == chip.family.sw_pll
    assert not chip.rcc.values[0x8] & chip.family.hpre, "the core got its full speed"
    order = [("PWR", 0x0), ("FLASH", 0x0), ("RCC", 0x8)]
    assert machine.order(*order)


@pytest.mark.parametrize("name", FAMILIES)
def test_only_the_caches_and_the_wait_states_change(tmp_path, name):
    chip, _, _ = _start(tmp_path, name)
    wanted = chip.clock["flash_caches"] | chip.clock["flash_wait_states"]
    assert chip.flash.values[0x0] == chip.family.acr & ~0xF | wanted
    assert chip.pwr.values[0x4] == (0x200 if chip.clock.get("vddio2_used") else 0)


@pytest.mark.parametrize("stuck", STEPS)
@pytest.mark.parametrize("name", FAMILIES)
def test_what_never_becomes_ready_leaves_the_reset_clock(tmp_path, name, stuck):
    chip, _, clocks = _start(tmp_path, name, stuck)
    assert clocks == (chip.clock["reset_hz"], chip.clock["reset_hz"])
    assert not chip.rcc.values[0x8] & (chip.family.sw | chip.family.hpre)
    if stuck == "pll":
        assert not chip.rcc.values[0x0] & PLLON
