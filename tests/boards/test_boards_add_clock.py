"""Boards from parts: the clock, by a crystal or without one."""

from __future__ import annotations

import pytest
from board_parts import _MEMORIES, _add, _device
from pdsc_builder import stm32f407

from edgetune.boards import load_board
from edgetune.boards.adding import BoardWishes
from edgetune.errors import UsageError

pytestmark = pytest.mark.usefixtures("folder")


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
