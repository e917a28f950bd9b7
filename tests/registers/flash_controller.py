"""What the models of flash controllers have in common: cells, sectors, time and the lock."""

from registers.model import Flash


class Controller(Flash):
    """A controller with time: an operation takes ``busy_reads`` looks at its status.

    Set by tests:
        busy_reads: looks at the status until an operation ends; None: it never does.
        protected: first addresses of the sectors that are write-protected.
        worn: addresses of bytes that no operation changes any more.
    ``locked`` says whether nothing can be changed, ``touched`` counts accesses to registers.
    """

    STATUS: int  # offset of the register that tells whether an operation runs

    def __init__(self, name: str, base: int, resets: dict[int, int], sectors, size: int = 0x400):
        super().__init__(name, base, resets, size)
        self.sectors = list(sectors)  # (first address, bytes)
        self.busy_reads: int | None = 3
        self.left: int | None = 0  # looks until the running operation ends
        self.protected: set[int] = set()
        self.worn: set[int] = set()
        self.touched = 0

    @property
    def busy(self) -> bool:
        """Whether an operation runs."""
        return self.left is None or self.left > 0

    def read(self, offset: int, size: int) -> int:
        self.touched += 1
        value = super().read(offset, size)
        if offset == self.STATUS:
            value = self.status(value)
            self.left = self.left and self.left - 1
        return value

    def status(self, value: int) -> int:
        """What the status register reads as, by what it holds."""
        raise NotImplementedError

    def write(self, offset: int, value: int, size: int) -> None:
        self.touched += 1
        assert size == 4, f"{self.name}: registers are written as words"
        assert not self.busy, f"{self.name}: a write while busy makes the bus wait"
        super().write(offset, value, size)

    def run(self) -> None:
        """An operation begins."""
        self.left = self.busy_reads

    def sector(self, address: int) -> tuple[int, int]:
        """The sector that holds ``address``: its first address and its bytes."""
        return next((s, n) for s, n in self.sectors if s <= address < s + n)

    def is_protected(self, address: int) -> bool:
        return self.sector(address)[0] in self.protected

    def fill(self, address: int, count: int) -> None:
        """Erase cells."""
        self._change(address, self.memory.read(address, count), b"\xff" * count)

    def burn(self, address: int, data: bytes) -> None:
        """Program cells: bits only go from 1 to 0."""
        old = self.memory.read(address, len(data))
        self._change(address, old, bytes(a & b for a, b in zip(old, data, strict=True)))

    def _change(self, address: int, old: bytes, new: bytes) -> None:
        kept = bytearray(new)
        for place in self.worn:
            if 0 <= place - address < len(kept):
                kept[place - address] = old[place - address]
        self.memory.write(address, bytes(kept))


class Lock:
    """The key register of an STM32: two keys in a row open it, anything else shuts it for good."""

    KEYS = (0x45670123, 0xCDEF89AB)

    def __init__(self):
        self.given = 0
        self.open = False
        self.dead = False  # until the next reset

    def key(self, value: int) -> None:
        if self.dead or self.open or value != self.KEYS[self.given]:
            self.dead, self.open = True, False
            return
        self.given += 1
        self.open, self.given = self.given == 2, self.given % 2

    def close(self) -> None:
        self.open = False


class Stm32Controller(Controller):
    """Registers KEYR, SR and CR of one bank, at offsets that differ from family to family.

    Error flags stay until 1 is written to them; while one is set nothing is erased or programmed.
    """

    KEY: int
    CONTROL: int
    LOCK: int  # the bit of CR
    STRT: int
    FLAGS: int  # bits of SR that writing 1 clears
    ERRORS: int  # those that say an operation failed
    BUSY = 1 << 16

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.lock = Lock()
        self.values.update({self.KEY: 0, self.STATUS: 0, self.CONTROL: self.LOCK})

    @property
    def locked(self) -> bool:
        return not self.lock.open

    @property
    def control(self) -> int:
        return self.values[self.CONTROL]

    @property
    def flags(self) -> int:
        return self.values[self.STATUS]

    def status(self, value: int) -> int:
        return value | (self.BUSY if self.busy else 0)

    def fail(self, flag: int) -> None:
        """Set an error flag."""
        self.values[self.STATUS] |= flag

    def read(self, offset, size):
        value = super().read(offset, size)
        if offset == self.CONTROL:
            value = value & ~self.LOCK | (self.LOCK if self.locked else 0)
        return value

    def write(self, offset, value, size):
        before = dict(self.values)
        super().write(offset, value, size)
        if offset == self.KEY:
            self.lock.key(value)
        elif offset == self.STATUS:
            self.values[offset] = before[offset] & ~(value & self.FLAGS)
        elif offset == self.CONTROL:
            self._write_control(value)

    def _write_control(self, value: int) -> None:
        assert not self.locked, f"{self.name}: the control register is written while locked"
        self.values[self.CONTROL] = value & ~self.STRT
        if value & self.STRT:
            self.start(value)
        if value & self.LOCK:
            self.lock.close()

    def start(self, control: int) -> None:
        """STRT was set."""
        raise NotImplementedError
