"""The clock code of STM32 F1, F4 and F7 against models of their clock controllers.

The models refuse what a chip does not forgive: a PLL changed while it runs, a core faster than
its flash, buses faster than their limit, a power controller without its clock.
"""

import math
from dataclasses import dataclass

import pytest
from emulators import needs_gcc
from registers import Machine, Registers
from test_clocks import CHIPS, MHZ

from edgetune.boards import load_board

pytestmark = [needs_gcc, pytest.mark.thorough]

F1 = ["stm32vldiscovery", "nucleo-f103rb"]
F4 = ["stm32f4-discovery", "nucleo-f401re", "nucleo-f446re", "stm32f746-discovery"]
WAITS = 20_000_000  # instructions; a wait in vain takes about one million

HSION, HSEON, HSERDY, HSEBYP = 1 << 0, 1 << 16, 1 << 17, 1 << 18
PLLON, PLLRDY = 1 << 24, 1 << 25
CFGR_SW, CFGR_SWS = 0x3, 0xC
SW_PLL = 2
PWREN = 1 << 28
ODEN, ODSWEN = 1 << 16, 1 << 17


@dataclass
class Chip:
    """A chip, what of it is ``dead``, and the models of its registers."""

    board: object
    dead: set

    def __post_init__(self):
        self.limits = CHIPS[self.board.chip]
        family = Rcc4 if self.board.name in F4 else Rcc1
        self.rcc = family(self)
        self.flash = Latency(self, family.flash)
        self.power = Power(self)

    @property
    def models(self):
        return [self.rcc, self.flash, self.power]


class Rcc(Registers):
    """What the clock controllers have in common: RCC_CR and the switch."""

    def __init__(self, chip, base, resets):
        super().__init__("RCC", base, resets)
        self.chip = chip

    def write(self, offset, value, size):
        before = self.values[offset]
        super().write(offset, value, size)
        if offset == 0:
            self._control(before)
        elif offset == self.cfgr:
            self._switch(before)
        if offset == self.factors and self.values[0] & PLLON:
            changed = (before ^ self.values[offset]) & self.factor_bits
            assert not changed, "the PLL was changed while it runs"

    def _control(self, before):
        control, dead = self.values[0], self.chip.dead
        assert control & HSION, "the internal oscillator was switched off"
        bypass = self.chip.board.clock["hse_bypass"]
        assert not control & HSEON or bool(control & HSEBYP) == bypass
        assert not before & HSEON or not (before ^ control) & HSEBYP
        control &= ~(HSERDY | PLLRDY)
        control |= HSERDY if control & HSEON and "hse" not in dead else 0
        control |= PLLRDY if control & PLLON and "pll" not in dead else 0
        self.values[0] = control

    def _switch(self, before):
        value = self.values[self.cfgr]
        if value & CFGR_SW != SW_PLL or "switch" in self.chip.dead:
            return
        assert self.values[0] & PLLRDY, "the switch came before the PLL was ready"
        assert self.dividers(before) == self.dividers(value), "a bus was too fast for a moment"
        assert self.buses_are_legal()
        self.chip.flash.keeps_up(self.core_hz())
        self.chip.power.keeps_up(self.core_hz())
        self.values[self.cfgr] = value & ~CFGR_SWS | SW_PLL << 2

    def on_pll(self):
        return self.values[self.cfgr] & CFGR_SWS == SW_PLL << 2

    def dividers(self, cfgr):
        fields = [cfgr >> shift & 7 for shift in self.bus_shifts]
        return [1 if field < 4 else 2 << (field & 3) for field in fields]

    def buses_are_legal(self):
        slow, fast = self.dividers(self.values[self.cfgr])
        limits = self.chip.limits
        core = self.core_hz() / MHZ
        return core <= limits.core and core / slow <= limits.apb1 and core / fast <= limits.apb2

    def source_hz(self, external):
        clock = self.chip.board.clock
        assert not external or self.values[0] & HSERDY, "the PLL's source does not run"
        return clock["hse_hz"] if external else clock["hsi_hz"]

    def clocks(self):
        """What core and UART get now, Hz."""
        if not self.on_pll():
            return [self.chip.board.clock["hsi_hz"]] * 2
        core = self.core_hz()
        apb = self.chip.board.uart["apb"]
        return [core, core // self.dividers(self.values[self.cfgr])[apb - 1]]


class Rcc1(Rcc):
    """RM0008 chapter 7, RM0041 chapter 6."""

    cfgr = factors = 0x04
    factor_bits = 0x003F0000  # PLLSRC, PLLXTPRE, PLLMUL
    bus_shifts = (8, 11)
    flash = 0x40022000

    def __init__(self, chip):
        super().__init__(chip, 0x40021000, {0x00: 0x83, 0x04: 0})

    def core_hz(self):
        cfgr = self.values[0x04]
        external = bool(cfgr & 1 << 16)
        source = self.source_hz(external)
        return (source if external else source // 2) * ((cfgr >> 18 & 15) + 2)


class Rcc4(Rcc):
    """RM0090 chapter 7, RM0368 and RM0390 chapter 6, RM0385 chapter 5."""

    cfgr, factors = 0x08, 0x04
    factor_bits = 0xFFFFFFFF
    bus_shifts = (10, 13)
    flash = 0x40023C00

    def __init__(self, chip):
        super().__init__(chip, 0x40023800, {0x00: 0x83, 0x04: 0x24003010, 0x08: 0, 0x40: 0})

    def core_hz(self):
        pll = self.values[0x04]
        assert pll >> 28 == 2, "PLLR was changed"
        assert 2 <= pll >> 24 & 15, "PLLQ is not legal"
        vco = self.source_hz(bool(pll & 1 << 22)) // (pll & 63) * (pll >> 6 & 511)
        return vco // (2 * (pll >> 16 & 3) + 2)


class Latency(Registers):
    """FLASH_ACR."""

    def __init__(self, chip, base):
        super().__init__("FLASH", base, {0: 0})
        self.chip = chip

    def read(self, offset, size):
        value = super().read(offset, size)
        return value | 0xF if "latency" in self.chip.dead else value

    def keeps_up(self, hz):
        needed = math.ceil(hz / (self.chip.limits.flash * MHZ)) - 1
        assert self.values[0] & 15 >= needed, "the core became too fast for the flash"


class Power(Registers):
    """PWR_CR and PWR_CSR (RM0385 4.4, RM0390 5.4)."""

    def __init__(self, chip):
        super().__init__("PWR", 0x40007000, {0: 0xC000, 4: 0})
        self.chip = chip

    def read(self, offset, size):
        self._clocked()
        return super().read(offset, size)

    def write(self, offset, value, size):
        self._clocked()
        super().write(offset, value, size)
        steps = self.values[0] & (ODEN | ODSWEN)
        assert steps != ODSWEN, "over-drive was switched before it was enabled"
        self.values[4] = 0 if "overdrive" in self.chip.dead else steps

    def keeps_up(self, hz):
        ready = self.values[4] == ODEN | ODSWEN
        assert ready or hz <= self.chip.limits.overdrive * MHZ, "no over-drive"

    def _clocked(self):
        assert self.chip.rcc.values[0x40] & PWREN, "the power controller has no clock"


def _start(folder, name, *dead):
    board = load_board(name)
    chip = Chip(board, set(dead))
    source = next(source for source in board.port_sources if "clock_" in source)
    machine = Machine(folder, board, [source], chip.models)
    machine.call("et_clock_start", machine.scratch, instructions=WAITS)
    assert machine.words(machine.scratch, 2) == chip.rcc.clocks()
    return chip


@pytest.mark.parametrize("name", F1 + F4)
def test_the_external_clock_gives_full_speed(tmp_path, name):
    chip = _start(tmp_path, name)
    assert chip.rcc.on_pll()
    assert chip.rcc.core_hz() == chip.board.clock["hz"]


@pytest.mark.parametrize("name", F1 + F4)
def test_the_internal_oscillator_stands_in(tmp_path, name):
    chip = _start(tmp_path, name, "hse")
    assert chip.rcc.on_pll()
    assert not chip.rcc.values[0] & HSEON
    slower = name == "nucleo-f103rb"  # half the oscillator times 16, the PLL's largest factor
    assert chip.rcc.core_hz() == (64 * MHZ if slower else chip.board.clock["hz"])


@pytest.mark.parametrize("dead", [["pll"], ["hse", "pll"], ["latency"], ["switch"]])
@pytest.mark.parametrize("name", ["nucleo-f103rb", "nucleo-f446re"])
def test_a_step_that_fails_leaves_the_reset_clock(tmp_path, name, dead):
    chip = _start(tmp_path, name, *dead)
    assert not chip.rcc.on_pll()
    assert chip.rcc.dividers(chip.rcc.values[chip.rcc.cfgr]) == [1, 1]
    assert "pll" not in dead or not chip.rcc.values[0] & PLLON


@pytest.mark.parametrize("name", ["nucleo-f446re", "stm32f746-discovery"])
def test_without_over_drive_the_core_stays_slow(tmp_path, name):
    assert not _start(tmp_path, name, "overdrive").rcc.on_pll()
