"""One bank of the flash controller of the STM32H7 (RM0433 chapter 4)."""

from registers.flash_controller import Stm32Controller

PG, SER, START = 1 << 1, 1 << 2, 1 << 7
WBNE, QW, EOP = 1 << 1, 1 << 2, 1 << 16
WRPERR, PGSERR, STRBERR, INCERR, OPERR = (1 << bit for bit in (17, 18, 19, 21, 22))
CLEAR = 0x14
WORD = 32


class FlashH7Bank(Stm32Controller):
    """Collects 32 bytes of one flash word, then programs them with their error code."""

    KEY, STATUS, CONTROL = 0x04, 0x10, 0x0C
    LOCK, STRT, BUSY = 1, START, QW
    FLAGS = 0  # SR is read only: flags are cleared through CCR
    ERRORS = WRPERR | PGSERR | STRBERR | INCERR | OPERR
    RESET = 0x31  # PSIZE of 64 bits, locked

    def __init__(self, bank, sectors):
        name, base = f"FLASH{bank + 1}", 0x52002000 + 0x100 * bank
        super().__init__(name, base, {CLEAR: 0}, sectors, size=0x100)
        self.values[self.CONTROL] = self.RESET
        self.buffer: dict[int, int] = {}  # address: byte of the flash word that is being filled
        self.coded: set[int] = set()

    def status(self, value):
        return super().status(value) | (WBNE if self.buffer else 0)

    def write(self, offset, value, size):
        assert offset != self.STATUS, "SR cannot be written"
        assert offset != self.CONTROL or value < 1 << 11, f"{value:#x} sets bits that CR has not"
        super().write(offset, value, size)
        if offset == CLEAR:
            self.values[self.STATUS] &= ~(value & (self.ERRORS | EOP))

    def start(self, control):
        assert control & SER and control >> 4 & 3 == 3, "START without an erase, or PSIZE changed"
        start, count = self.sectors[control >> 8 & 7]
        if self.flags & self.ERRORS or control & PG:
            return self.fail(PGSERR)
        if start in self.protected:
            self.fail(WRPERR)
        else:
            self.fill(start, count)
            self.coded -= set(range(start, start + count, WORD))
        self.run()

    def store(self, address, value, size):
        assert not self.busy, "a store while busy"
        if self.locked or not self.control & PG or self.flags & self.ERRORS:
            return self.fail(PGSERR)
        if self.buffer and min(self.buffer) // WORD != address // WORD:
            self.buffer = {}
            return self.fail(INCERR)
        places = range(address, address + size)
        if self.buffer.keys() & set(places):
            return self.fail(STRBERR)
        self.buffer |= zip(places, value.to_bytes(size, "little"), strict=True)
        if len(self.buffer) == WORD:
            self._program()

    def _program(self):
        address = min(self.buffer)
        data = bytes(self.buffer[place] for place in sorted(self.buffer))
        self.buffer = {}
        if self.is_protected(address):
            self.fail(WRPERR)
        else:
            assert address not in self.coded, "a second programming damages the error code"
            self.burn(address, data)
            self.coded.add(address)
        self.run()


class FlashH7(FlashH7Bank):
    """The first bank; it hands on what is stored in the second."""

    def __init__(self, sectors):
        super().__init__(0, sectors[:8])
        self.second = FlashH7Bank(1, sectors[8:])

    def store(self, address, value, size):
        if address < self.second.sectors[0][0]:
            super().store(address, value, size)
        else:
            self.second.store(address, value, size)
