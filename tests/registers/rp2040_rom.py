"""The RP2040's boot ROM as far as flash needs it (datasheet 2.8.3), and the controller it drives.

The order of the ROM's functions, what they leave in the controller and what may run when follow
the datasheet and the ROM's published source.
"""

from registers.model import Registers

SSIENR, BAUDR = 0x08, 0x14
TABLE, LOOKUP = 0x100, 0x200
_RETURN = b"\x70\x47"  # bx lr
XIP = 0x10000000
ORDER = ("IF", "EX", ("RE", "RP"), "FC", "CX")


class Ssi(Registers):
    """BAUDR may be written while the controller is off."""

    def __init__(self):
        super().__init__("SSI", 0x18000000, {SSIENR: 1, BAUDR: 4})

    def write(self, offset, value, size):
        assert offset == SSIENR or not self.values[SSIENR], "the controller is on"
        super().write(offset, value, size)


class BootRom:
    """Traps for the six functions; flash must not be touched until reading works again."""

    def __init__(self, machine, ssi: Ssi):
        self.machine, self.ssi = machine, ssi
        self.restart()
        names = ("IF", "EX", "RE", "RP", "FC", "CX")
        self.places = {name: 0x300 + 16 * i for i, name in enumerate(names)}
        rom = bytearray(0x4000)
        rom[0x14:0x16] = TABLE.to_bytes(2, "little")
        rom[0x18:0x1A] = (LOOKUP | 1).to_bytes(2, "little")
        for place in (LOOKUP, *self.places.values()):
            rom[place : place + 2] = _RETURN
        machine.map(0, bytes(rom))
        machine.trap(LOOKUP, self._lookup)
        for name, place in self.places.items():
            machine.trap(place, lambda *arguments, name=name: self._step(name, arguments))
        machine.watch(XIP, machine.board.flash.length, self._touch)

    def restart(self) -> None:
        """Forget all that happened."""
        self.steps: list[str] = []
        self.operations: list[tuple] = []
        self.lacking = ""  # a function that the table does not have
        self.worn = False  # whether flash ignores every operation

    @property
    def readable(self) -> bool:
        """Whether flash can be read and code in it can run."""
        return not self.steps and self.ssi.values[SSIENR] == 1

    def _lookup(self, table, code, *_):
        assert table == TABLE
        name = code.to_bytes(2, "little").decode()
        return 0 if name == self.lacking else self.places[name] | 1

    def _step(self, name, arguments):
        assert self.machine.masked, "an interrupt could run code in flash"
        assert name in ORDER[len(self.steps)], f"{name} after {self.steps}"
        self.steps.append(name)
        if name == "EX":
            self.ssi.values[BAUDR] = 6
        if name in ("RE", "RP"):
            self.operations.append((name, *arguments))
            self._change(name, *arguments)
        if name == "CX":
            self.steps = []

    def _change(self, name, offset, second, third, fourth):
        if name == "RE":
            assert offset % 4096 == second % 4096 == 0 and (third, fourth) == (0x10000, 0xD8)
            address, data = XIP + offset, b"\xff" * second
        else:
            assert offset % 256 == third % 256 == 0
            assert second >> 24 == 0x20, "what is programmed must lie in RAM"
            address, data = XIP + offset, self.machine.read(second, third)
            old = self.machine.read(address, third)
            data = bytes(a & b for a, b in zip(old, data, strict=True))
        if not self.worn:
            self.machine.write(address, data)

    def _touch(self, address):
        assert self.readable, f"flash is touched at {address:#x} while it cannot be read"
