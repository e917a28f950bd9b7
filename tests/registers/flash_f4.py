"""The flash controller of the STM32F4 (RM0090 3.6) and F7 (RM0385 3.3)."""

from registers.flash_controller import Stm32Controller

PG, SER, MER, STRT = 1, 2, 4, 1 << 16
OPERR, WRPERR, PGAERR, PGPERR, PGSERR = 1 << 1, 1 << 4, 1 << 5, 1 << 6, 1 << 7
ACCESS = 0x00
ICEN, DCEN, ICRST, DCRST = 1 << 9, 1 << 10, 1 << 11, 1 << 12


class FlashF4(Stm32Controller):
    """Programs what PSIZE says, erased or not; the caches are emptied only while they are off."""

    KEY, STATUS, CONTROL = 0x04, 0x0C, 0x10
    LOCK, STRT = 1 << 31, STRT
    FLAGS, ERRORS = 0xF3, OPERR | WRPERR | PGAERR | PGPERR | PGSERR

    def __init__(self, sectors, access=0x700):
        super().__init__("FLASH", 0x40023C00, {ACCESS: access}, sectors)
        self.stale = False  # whether a cache may hold what flash held before

    def write(self, offset, value, size):
        super().write(offset, value, size)
        if offset == ACCESS:
            assert not (value & ICRST and value & ICEN), "ICRST while the cache is on"
            assert not (value & DCRST and value & DCEN), "DCRST while the cache is on"
            self.stale = self.stale and not value & DCRST

    def start(self, control):
        assert control & SER and not control & MER, "STRT without the erase of a sector"
        start, count = self.sectors[control >> 3 & 0x1F]
        if self.flags & self.ERRORS or control & PG:
            return self.fail(PGSERR)
        if start in self.protected:
            self.fail(WRPERR)
        else:
            self.fill(start, count)
            self.stale = True
        self.run()

    def store(self, address, value, size):
        assert not self.busy, "a store while busy"
        if self.locked or not self.control & PG or self.control & SER or self.flags & self.ERRORS:
            self.fail(PGSERR)
        elif size != 1 << (self.control >> 8 & 3):
            self.fail(PGPERR)
        elif address % size:
            self.fail(PGAERR)
        elif self.is_protected(address):
            self.fail(WRPERR)
        else:
            self.burn(address, value.to_bytes(size, "little"))
            self.stale = True
            self.run()
