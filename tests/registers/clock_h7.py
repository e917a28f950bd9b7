"""PWR, RCC and FLASH of the STM32H743 and H753 as RM0433 tells it."""

from registers.model import Registers

# Offsets in RCC and PWR.
CR, CFGR, D1CFGR, D2CFGR, D3CFGR = 0x00, 0x10, 0x18, 0x1C, 0x20
PLLCKSELR, PLLCFGR, PLL1DIVR = 0x28, 0x2C, 0x30
CSR1, CR3, D3CR = 0x04, 0x0C, 0x18
PLL1ON, PLL1RDY = 1 << 24, 1 << 25
LDOEN, SCUEN = 2, 4
VOSRDY, SCALE_1 = 1 << 13, 3 << 14
INPUT_RANGES = {0: (1, 2), 1: (2, 4), 2: (4, 8), 3: (8, 16)}  # MHz, PLLCFGR.PLL1RGE
REVISION_Y, REVISION_V = 0x10036450, 0x20036450


class H7Chip:
    """``stuck``: the step whose ready flag never comes; ``locked``: the supply was chosen before,
    as after a reset that is not a power-up."""

    def __init__(self, clock, stuck=None, locked=False, idc=REVISION_V):
        self.clock, self.stuck = clock, stuck
        supply = LDOEN | (0 if locked else SCUEN)
        self.pwr = Pwr(self, "PWR", 0x58024800, {CSR1: 0, CR3: supply, D3CR: 0x4000})
        self.rcc = Rcc(self, "RCC", 0x58024400, dict.fromkeys((CFGR, D1CFGR, D2CFGR, D3CFGR), 0))
        self.rcc.values |= {CR: 0x25, PLLCKSELR: 0x02020200, PLLCFGR: 0x01FF0000}
        self.rcc.values[PLL1DIVR] = 0x01010280
        self.flash = Acr(self, "FLASH", 0x52002000, {0x0: 0x37})
        self.debug = Registers("DBGMCU", 0x5C001000, {0x0: idc})
        self.axi = Registers("AXI", 0x51008100, {0x8: 0}, size=0x100)
        self.models = [self.pwr, self.rcc, self.flash, self.debug, self.axi]

    @property
    def pll_hz(self) -> int:
        """Output P, by the PLL's registers and the 64 MHz oscillator."""
        source, divider = self.rcc.values[PLLCKSELR] & 3, self.rcc.values[PLLCKSELR] >> 4 & 0x3F
        assert source == 0 and divider
        config, factors = self.rcc.values[PLLCFGR], self.rcc.values[PLL1DIVR]
        least, most = INPUT_RANGES[config >> 2 & 3]
        assert least <= 64 / divider <= most, "PLL1RGE fits the input"
        assert config & 1 << 16 and not config & 0b11, "output P, wide VCO, no fraction"
        vco = 64_000_000 * ((factors & 0x1FF) + 1) // divider
        assert 192_000_000 <= vco <= 836_000_000
        return vco // ((factors >> 9 & 0x7F) + 1)

    def check_fast(self) -> None:
        """What must hold before the system clock becomes the PLL (RM0433 table 17)."""
        assert self.pll_hz == self.clock["hz"] <= 400_000_000
        assert self.rcc.values[CR] & PLL1ON and self.stuck != "pll"
        assert self.pwr.values[D3CR] & SCALE_1 == SCALE_1 and self.stuck != "voltage"
        assert self.rcc.values[D1CFGR] == 0x48, "core undivided, AXI half, APB3 half of that"
        assert self.rcc.values[D2CFGR] == 0x440 and self.rcc.values[D3CFGR] == 0x40
        assert self.flash.values[0x0] == 2 | 2 << 4, "AXI at 200 MHz, scale 1"


class Part(Registers):
    def __init__(self, chip, *arguments):
        super().__init__(*arguments)
        self.chip = chip


class Pwr(Part):
    def read(self, offset, size):
        value = super().read(offset, size)
        if offset == CSR1 and not self.values[CR3] & SCUEN and self.chip.stuck != "supply":
            return value | VOSRDY
        if offset == D3CR and value & SCALE_1 == SCALE_1 and self.chip.stuck != "voltage":
            return value | VOSRDY
        return value

    def write(self, offset, value, size):
        if offset == CR3:
            assert self.values[CR3] & SCUEN, "the supply can be chosen once"
            assert value & 7 == LDOEN
        if offset == D3CR:
            assert not self.values[CR3] & SCUEN, "the supply comes first"
        super().write(offset, value, size)


class Rcc(Part):
    def read(self, offset, size):
        value = super().read(offset, size)
        if offset == CR and value & PLL1ON and self.chip.stuck != "pll":
            return value | PLL1RDY
        if offset == CFGR and self.chip.stuck != "switch":
            return value | (value & 7) << 3
        return value

    def write(self, offset, value, size):
        if offset in (PLLCKSELR, PLLCFGR, PLL1DIVR):
            assert not self.values[CR] & PLL1ON, "the PLL runs"
        if offset == CFGR and value & 7 == 3:
            self.chip.check_fast()
        super().write(offset, value, size)


class Acr(Part):
    def read(self, offset, size):
        return 0x37 if self.chip.stuck == "flash" else super().read(offset, size)
