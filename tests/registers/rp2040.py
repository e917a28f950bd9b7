"""The RP2040's clocks and resets as its datasheet tells them (2.14 to 2.18).

A chip whose core loses its clock stops. Here it fails the test.
"""

from registers.model import Registers

IO_BANK0, PADS_BANK0, PLL_SYS, TIMER, UART0 = 1 << 5, 1 << 8, 1 << 12, 1 << 21, 1 << 22
ALL_BLOCKS = 0x01FFFFFF

REF_CTRL, REF_SELECTED, SYS_CTRL, SYS_SELECTED, PERI_CTRL = 0x30, 0x38, 0x3C, 0x44, 0x48
XOSC_CTRL, XOSC_STATUS, XOSC_STARTUP = 0x0, 0x4, 0xC
CS, PWR, FBDIV_INT, PRIM = 0x0, 0x4, 0x8, 0xC
READY = 1 << 31

_LOOKS = 20  # reads of a status before an oscillator runs


class Resets(Registers):
    """``held``: blocks in reset at first. RESET_DONE follows one read later."""

    def __init__(self, held=ALL_BLOCKS):
        super().__init__("RESETS", 0x4000C000, {0: held, 8: ~held & ALL_BLOCKS})

    def read(self, offset, size):
        value = super().read(offset, size)
        self.values[8] = ~self.values[0] & ALL_BLOCKS
        return value

    def ready(self, block):
        """Whether a block may be used."""
        return not self.values[0] & block and self.values[8] & block


class Xosc(Registers):
    """The crystal; ``starts`` says whether it is there."""

    def __init__(self, starts, running=False):
        resets = {XOSC_CTRL: 0, XOSC_STATUS: READY if running else 0, XOSC_STARTUP: 0}
        super().__init__("XOSC", 0x40024000, resets)
        self.starts, self.looks = starts, 0

    @property
    def runs(self):
        return bool(self.values[XOSC_STATUS] & READY)

    def read(self, offset, size):
        if offset == XOSC_STATUS and self.starts and self.values[XOSC_CTRL] == 0xFABAA0:
            self.looks += 1
            self.values[XOSC_STATUS] |= READY if self.looks > _LOOKS else 0
        return super().read(offset, size)

    def write(self, offset, value, size):
        if value >> 12 == 0xFAB:
            assert self.values[XOSC_STARTUP] * 256 >= 12_000, "less than 1 ms of 12 MHz"
        super().write(offset, value, size)


class Pll(Registers):
    """PLL_SYS out of the crystal; ``locks`` says whether it comes to do so."""

    def __init__(self, resets, xosc, locks):
        super().__init__("PLL_SYS", 0x40028000, self._reset_values())
        self.resets, self.xosc, self.locks, self.looks = resets, xosc, locks, 0

    @property
    def runs(self):
        on = not self.values[PWR] & 0x29
        return bool(on and self.values[CS] & READY and self.resets.ready(PLL_SYS))

    def hz(self):
        dividers = (self.values[PRIM] >> 16 & 7) * (self.values[PRIM] >> 12 & 7)
        return 12_000_000 * self.values[FBDIV_INT] // dividers

    def held(self):
        """The block was put into reset."""
        self.values, self.looks = self._reset_values(), 0

    def read(self, offset, size):
        self._may_be_used()
        if offset == CS and self.locks and not self.values[PWR] & 0x21:
            self.looks += 1
            self.values[CS] |= READY if self.looks > _LOOKS else 0
        return super().read(offset, size)

    def write(self, offset, value, size):
        self._may_be_used()
        super().write(offset, value, size)
        if offset == PWR and not value & 0x21:
            assert self.xosc.runs, "the PLL starts without its crystal"
            assert 750 <= 12 * self.values[FBDIV_INT] <= 1600, "the VCO runs at 750 to 1600 MHz"
            assert self.values[CS] & 0x3F == 1

    def _may_be_used(self):
        assert self.resets.ready(PLL_SYS), "PLL_SYS is in reset"

    @staticmethod
    def _reset_values():
        return {CS: 1, PWR: 0x2D, FBDIV_INT: 0, PRIM: 0x77000}


class Clocks(Registers):
    """clk_ref and clk_sys: what they are switched to must run, and they confirm it."""

    def __init__(self, xosc, pll, sys=0, ref=0):
        self.xosc, self.pll = xosc, pll
        resets = {REF_CTRL: ref, REF_SELECTED: 1 << ref, SYS_CTRL: sys, SYS_SELECTED: 1 << sys}
        super().__init__("CLOCKS", 0x40008000, resets | {PERI_CTRL: 0})

    def write(self, offset, value, size):
        before = self.values[offset]
        super().write(offset, value, size)
        assert (True, None, self.xosc.runs)[self.values[REF_CTRL] & 3], "clk_ref stops"
        if self.values[SYS_CTRL] & 1:
            assert self.values[SYS_CTRL] >> 5 & 7 == 0 and self.pll.runs, "clk_sys stops"
            assert offset != SYS_CTRL or not before & 1 or before == value, "a glitch of AUXSRC"
        self.values[REF_SELECTED] = 1 << (self.values[REF_CTRL] & 3)
        self.values[SYS_SELECTED] = 1 << (self.values[SYS_CTRL] & 1)

    def core_hz(self):
        """What clk_sys runs at; 6.5 MHz stands for the ring oscillator."""
        if self.values[SYS_CTRL] & 1:
            return self.pll.hz()
        return 12_000_000 if self.values[REF_CTRL] & 3 == 2 else 6_500_000
