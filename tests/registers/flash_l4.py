"""The flash controllers of the STM32L4 (RM0351 3.3), G0 (RM0444 3.3) and L5 (RM0438 6.3)."""

from registers.flash_controller import Stm32Controller
from registers.flash_f4 import ACCESS, DCEN, DCRST, ICEN, ICRST

PG, PER, BKER, STRT = 1, 2, 1 << 11, 1 << 16
OPERR, PROGERR, WRPERR, PGAERR, SIZERR, PGSERR = (1 << bit for bit in (1, 3, 4, 5, 6, 7))


class FlashL4(Stm32Controller):
    """Double words, each programmed once between erases, as its error code is written with it.

    ``bank_pages`` is 0 where there is one bank; ``control_bits`` are those that CR has.
    """

    KEY, STATUS, CONTROL = 0x08, 0x10, 0x14
    LOCK, STRT = 1 << 31, STRT
    FLAGS, ERRORS = 0x3FB, OPERR | PROGERR | WRPERR | PGAERR | SIZERR | PGSERR | 0x300
    NAME, RESETS = "FLASH", {ACCESS: 0x600}
    BANK_PAGES = 256
    CONTROL_BITS = PG | PER | 0xFF << 3 | BKER | STRT | 1 << 31

    def __init__(self, sectors):
        super().__init__(self.NAME, 0x40022000, self.RESETS, sectors)
        self.coded: set[int] = set()  # double words that carry an error code
        self.half: tuple[int, int] | None = None  # the first word of a double word
        self.stale = False

    def write(self, offset, value, size):
        if offset == self.CONTROL:
            assert not value & ~self.CONTROL_BITS, f"{value:#x} sets bits that CR has not"
        super().write(offset, value, size)
        if offset == ACCESS and self.RESETS.get(ACCESS):
            assert not (value & ICRST and value & ICEN), "ICRST while the cache is on"
            assert not (value & DCRST and value & DCEN), "DCRST while the cache is on"
            self.stale = self.stale and not value & ICRST

    def start(self, control):
        assert control & PER, "STRT without the erase of a page"
        page = control >> 3 & 0xFF
        start, count = self.sectors[page + (self.BANK_PAGES if control & BKER else 0)]
        if self.flags & self.ERRORS or control & PG:
            return self.fail(PGSERR)
        if start in self.protected:
            self.fail(WRPERR)
        else:
            self.fill(start, count)
            self.coded -= set(range(start, start + count, 8))
            self.stale = True
        self.run()

    def store(self, address, value, size):
        assert not self.busy, "a store while busy"
        first, self.half = self.half, None
        if self.locked or not self.control & PG or self.control & PER or self.flags & self.ERRORS:
            self.fail(PGSERR)
        elif size != 4:
            self.fail(SIZERR)
        elif address % 8 == 0 and first is None:
            self.half = (address, value)
        elif first is None or address != first[0] + 4:
            self.fail(PGAERR)
        else:
            self._program(first[0], first[1] | value << 32)

    def _program(self, address, value):
        if self.is_protected(address):
            self.fail(WRPERR)
        elif address in self.coded and value:
            self.fail(PROGERR)
        else:
            self.burn(address, value.to_bytes(8, "little"))
            self.coded.add(address)
            self.stale = True
        self.run()


class FlashG0(FlashL4):
    """One bank, CFGBSY, which stays set for some looks longer than BSY, and no data cache."""

    BANK_PAGES = 0
    CONTROL_BITS = PG | PER | 0x3F << 3 | STRT | 1 << 31
    CFGBSY = 1 << 18

    LONGER = 4

    def write(self, offset, value, size):
        if offset == ACCESS:
            assert value & (DCEN | DCRST) == DCEN, "reserved bits leave their reset value"
        super().write(offset, value, size)

    def run(self):
        super().run()
        self.left = self.left and self.left + self.LONGER

    def status(self, value):
        settling = self.left is not None and 0 < self.left <= self.LONGER
        return value | self.CFGBSY if settling else super().status(value)


class FlashL5(FlashL4):
    """The non-secure registers; the option DBANK halves the pages' size."""

    STATUS, CONTROL, OPTIONS = 0x20, 0x28, 0x40
    RESETS = {ACCESS: 0, OPTIONS: 0x7FEFF8AA}
    BANK_PAGES = 128
    CONTROL_BITS = PG | PER | 0x7F << 3 | BKER | STRT | 1 << 31
    FLAGS, ERRORS = 0xFB, 0xFA
