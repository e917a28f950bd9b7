"""The flash controller of the STM32F1 (PM0075, PM0063)."""

from registers.flash_controller import Stm32Controller

PG, PER, STRT = 1, 2, 1 << 6
PGERR, WRPRTERR = 1 << 2, 1 << 4
ADDRESS = 0x14


class FlashF1(Stm32Controller):
    """Half-words into erased cells; anything else ends in a flag or in a fault."""

    KEY, STATUS, CONTROL = 0x04, 0x0C, 0x10
    LOCK, STRT, BUSY = 1 << 7, STRT, 1
    FLAGS, ERRORS = 0x34, PGERR | WRPRTERR

    def __init__(self, sectors):
        super().__init__("FLASH", 0x40022000, {0x00: 0x30, ADDRESS: 0}, sectors)

    def start(self, control):
        assert control & PER and not control & PG, "STRT without an erase"
        start, count = self.sector(self.values[ADDRESS])
        if self.flags & self.ERRORS:
            return
        if start in self.protected:
            self.fail(WRPRTERR)
        else:
            self.fill(start, count)
        self.run()

    def store(self, address, value, size):
        assert self.control & PG and not self.control & PER, "a store without PG is a fault"
        assert size == 2 and address % 2 == 0, "only half-words can be stored"
        assert not self.busy, "a store while busy"
        if self.flags & self.ERRORS:
            return
        if self.is_protected(address):
            self.fail(WRPRTERR)
        elif self.memory.read(address, 2) != b"\xff\xff" and value:
            self.fail(PGERR)
        else:
            self.burn(address, value.to_bytes(2, "little"))
        self.run()
