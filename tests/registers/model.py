"""Models of peripherals: what reads give and what writes do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Write:
    """One write to a peripheral: ``size`` bytes of ``value`` at ``offset`` in model ``name``."""

    name: str
    offset: int
    value: int
    size: int


class Registers:
    """Registers that keep what is written.

    Args:
        name: how the log and messages call the peripheral.
        base: its address.
        resets: offset of each 32-bit register that may be touched, and its value after reset.
        size: bytes of address space it covers.
    """

    def __init__(self, name: str, base: int, resets: dict[int, int], size: int = 0x400):
        self.name, self.base, self.size = name, base, size
        self.values = dict(resets)

    def read(self, offset: int, size: int) -> int:
        """What the core reads: ``size`` is 1, 2 or 4 bytes."""
        return self._word(offset) >> 8 * (offset % 4) & (1 << 8 * size) - 1

    def write(self, offset: int, value: int, size: int) -> None:
        """The core writes ``size`` bytes."""
        shift, mask = 8 * (offset % 4), (1 << 8 * size) - 1
        self.values[offset & ~3] = self._word(offset) & ~(mask << shift) | (value & mask) << shift

    def _word(self, offset: int) -> int:
        assert offset & ~3 in self.values, f"{self.name} has no register at {offset:#x}"
        return self.values[offset & ~3]


class Flash(Registers):
    """A flash controller: it also decides what a store to the flash region does.

    `Machine` gives it ``memory``, an object with read(address, count) and write(address, bytes).
    """

    memory = None

    def store(self, address: int, value: int, size: int) -> None:
        """The core stores ``size`` bytes into flash."""
        raise AssertionError(f"a store to flash at {address:#x}")
