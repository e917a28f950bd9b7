"""PWR, RCC and FLASH of STM32L4, L5 and G0 as their manuals tell it (RM0351, RM0438, RM0444)."""

from dataclasses import dataclass

from registers.model import Registers

HSION, HSIRDY, PLLON, PLLRDY = 1 << 8, 1 << 10, 1 << 24, 1 << 25
VOSF = 1 << 10


@dataclass(frozen=True)
class Family:
    """Where a family's registers differ; offsets are those of the manual's register maps."""

    source: str
    power_enable: int  # offset of the register whose bit 28 is PWREN
    sw: int  # mask of CFGR.SW
    sw_pll: int
    sws_shift: int
    hpre: int  # mask of CFGR.HPRE
    half: int  # HPRE: divided by 2
    cr: int  # RCC_CR after reset
    voltage: int  # PWR_CR1 after reset
    acr: int  # FLASH_ACR after reset
    r_field: tuple  # lowest bit and mask of PLLCFGR.PLLR
    r: dict  # its values -> divider
    r_on: int


L4 = dict(power_enable=0x58, sw=3, sw_pll=3, sws_shift=2, hpre=0xF0, half=0x80, cr=0x63)
L4 |= dict(r_field=(25, 3), r={0: 2, 1: 4, 2: 6, 3: 8}, r_on=1 << 24, source="stm32/clock_l4.c")
FAMILIES = {
    "nucleo-l476rg": Family(voltage=0x200, acr=0x600, **L4),
    "nucleo-l552ze": Family(voltage=0x400, acr=0, **L4),
    "nucleo-g071rb": Family(
        source="stm32/clock_g0.c",
        power_enable=0x3C,
        sw=7,
        sw_pll=2,
        sws_shift=3,
        hpre=0xF00,
        half=0x800,
        cr=0x500,
        voltage=0x208,
        acr=0x40600,
        r_field=(29, 7),
        r={field: field + 1 for field in range(1, 8)},
        r_on=1 << 28,
    ),
}


class HsiPllChip:
    """PWR, RCC and FLASH of one chip; ``stuck`` is the step whose ready flag never comes."""

    def __init__(self, board, stuck=None):
        self.clock, self.family, self.stuck = board.clock, FAMILIES[board.name], stuck
        family = self.family
        self.pwr = Pwr(self, "PWR", 0x40007000, {0x0: family.voltage, 0x4: 0, 0x14: 0})
        registers = {0x0: family.cr, 0x8: 0, 0xC: 0x1000, family.power_enable: 0}
        self.rcc = Rcc(self, "RCC", 0x40021000, registers)
        self.flash = Acr(self, "FLASH", 0x40022000, {0x0: family.acr})

    @property
    def models(self):
        return [self.pwr, self.rcc, self.flash]

    @property
    def powered(self) -> bool:
        return bool(self.rcc.values[self.family.power_enable] & 1 << 28)

    @property
    def pll_hz(self) -> int:
        value, (shift, mask) = self.rcc.values[0xC], self.family.r_field
        assert value & 3 == 2 and value & self.family.r_on, "HSI16 is the source, R is on"
        vco = self.clock["source_hz"] * (value >> 8 & 0x7F) // ((value >> 4 & 0xF) + 1)
        return vco // self.family.r[value >> shift & mask]

    def check_fast(self) -> None:
        """What must hold before the system clock becomes the PLL."""
        assert self.pll_hz == self.clock["hz"]
        assert self.rcc.values[0x0] & PLLON and self.stuck != "pll"
        assert self.pwr.values[0x0] >> 9 & 3 == self.clock["voltage_range"]
        assert self.flash.values[0x0] & 0xF == self.clock["flash_wait_states"]
        if self.clock["hz"] > 80_000_000:
            assert self.rcc.values[0x8] & self.family.hpre == self.family.half


class Part(Registers):
    def __init__(self, chip, *arguments):
        super().__init__(*arguments)
        self.chip = chip


class Pwr(Part):
    def read(self, offset, size):
        assert self.chip.powered, "PWR has no clock"
        if offset == 0x14:
            return VOSF if self.chip.stuck == "voltage" else 0
        return super().read(offset, size)

    def write(self, offset, value, size):
        assert self.chip.powered and offset != 0x14
        super().write(offset, value, size)


class Rcc(Part):
    def read(self, offset, size):
        value = super().read(offset, size)
        return {0x0: self._cr, 0x8: self._cfgr}.get(offset, lambda value: value)(value)

    def write(self, offset, value, size):
        if offset == 0xC:
            assert not self.values[0x0] & PLLON, "the PLL runs"
        if offset == 0x0 and value & PLLON:
            assert self._cr(value) & HSIRDY, "the PLL's source does not run"
        if offset == 0x8 and value & self.chip.family.sw == self.chip.family.sw_pll:
            self.chip.check_fast()
        super().write(offset, value, size)

    def _cr(self, value):
        on = {HSION: (HSIRDY, "oscillator"), PLLON: (PLLRDY, "pll")}
        for bit, (ready, step) in on.items():
            value = value | ready if value & bit and self.chip.stuck != step else value & ~ready
        return value

    def _cfgr(self, value):
        family = self.chip.family
        selected = 0 if self.chip.stuck == "switch" else value & family.sw
        return value | selected << family.sws_shift


class Acr(Part):
    def read(self, offset, size):
        return super().read(offset, size) & (~0xF if self.chip.stuck == "flash" else ~0)
