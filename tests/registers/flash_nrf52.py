"""The flash controller of the nRF52840 (product specification 4.3, NVMC)."""

from collections import Counter

from registers.flash_controller import Controller

READY, CONFIG, ERASEPAGE = 0x400, 0x504, 0x508
WRITE, ERASE = 1, 2
WRITES = 2  # of a word between erases (n_WRITE)


class FlashNrf52(Controller):
    """No error flags: what is not allowed faults."""

    STATUS = READY

    def __init__(self, sectors):
        super().__init__("NVMC", 0x4001E000, {READY: 1, CONFIG: 0, ERASEPAGE: 0}, sectors, 0x1000)
        self.count = Counter()

    @property
    def locked(self) -> bool:
        return self.values[CONFIG] == 0

    def status(self, value):
        return 0 if self.busy else value

    def write(self, offset, value, size):
        super().write(offset, value, size)
        if offset == ERASEPAGE:
            assert self.values[CONFIG] == ERASE, "an erase while it is not enabled"
            start, count = self.sector(value)
            assert start == value, "not the first address of a page"
            self.fill(start, count)
            for address in range(start, start + count, 4):
                self.count.pop(address, None)
            self.run()

    def store(self, address, value, size):
        assert self.values[CONFIG] == WRITE, "a store while writing is not enabled is a fault"
        assert size == 4 and address % 4 == 0, "only words can be stored"
        assert not self.busy, "a store while busy"
        self.count[address] += 1
        assert self.count[address] <= WRITES, "a word was written too often"
        self.burn(address, value.to_bytes(4, "little"))
        self.run()
