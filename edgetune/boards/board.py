"""What edgetune knows of a board."""

from dataclasses import replace
from pathlib import Path

from edgetune.boards.cores import Core
from edgetune.boards.geometry import FlashGeometry
from edgetune.boards.store import StoreRegion
from edgetune.dataclass import dataclass
from edgetune.errors import UsageError

RAM_UNIT = 32  # bytes; sections of variables are aligned so
BAUD_MAX = "baud_max"  # of [uart]: what the adapter on the board is known to take
# What most adapters take between chip and USB, and the fastest of it that is tried unasked.
USUAL_RATES = (1_000_000, 921_600, 460_800, 230_400)
USUAL_MOST = 921_600
BYTE_BITS = 10  # of a byte on a serial line: start, eight, stop


@dataclass(frozen=True)
class Region:
    """A memory of the chip: ``length`` bytes from ``origin``; ``kind`` is "flash" or "ram".

    ``use`` is false for a memory that exists but that the linker must leave alone.
    """

    name: str
    kind: str
    origin: int
    length: int
    use: bool = True

    @property
    def end(self) -> int:
        """The first address behind the region."""
        return self.origin + self.length

    def holds(self, address: int, size: int) -> bool:
        """Whether ``size`` bytes from ``address`` lie wholly inside."""
        return self.origin <= address and address + size <= self.end


@dataclass(frozen=True)
class Evidence:
    """How far a claim about the board was tried: "hardware", "emulated" or "built"."""

    claim: str
    level: str
    where: str


@dataclass(frozen=True)
class Supply:
    """What the chip draws while it runs, by its datasheet: microamperes a megahertz, and volts;
    ``source``: where that stands, and for what."""

    ua_per_mhz: float
    volts: float
    source: str


@dataclass(frozen=True)
class Board:
    """One board folder. The dictionaries are the tables of its board.toml, unchanged.

    ``geometry`` is None where firmware cannot write to the memory that it lies in, ``store`` where
    nothing that it learnt is kept there, ``supply`` where no published figure is known.
    """

    name: str
    title: str
    maker: str
    chip: str
    core: Core
    fpu: str
    regions: tuple[Region, ...]
    port_sources: tuple[str, ...]
    uart: dict
    clock: dict
    counter: dict
    flasher: dict
    emulators: dict
    evidence: tuple[Evidence, ...]
    folder: Path
    geometry: FlashGeometry | None = None
    store: StoreRegion | None = None
    supply: Supply | None = None

    @property
    def flash(self) -> Region:
        """The region that holds code, constants and initial weights."""
        return self._region("flash")

    @property
    def ram(self) -> Region:
        """The region that holds the stack, variables and buffers."""
        return self._region("ram")

    @property
    def flags(self) -> tuple[str, ...]:
        """Compiler flags that choose the core."""
        return self.core.flags

    @property
    def baud(self) -> int:
        """Bits per second of the UART."""
        return self.uart["baud"]

    @property
    def rates(self) -> tuple[int, ...]:
        """Bits per second that its line may run at: its own, then faster ones, fastest first."""
        most = self.uart.get(BAUD_MAX, USUAL_MOST)
        faster = sorted({most, *USUAL_RATES}, reverse=True)
        return (self.baud, *(rate for rate in faster if self.baud < rate <= most))

    @property
    def evidence_level(self) -> str:
        """The strongest level that any claim reached."""
        levels = [item.level for item in self.evidence]
        return next(level for level in EVIDENCE_LEVELS if level in levels)

    def macros(self) -> dict[str, int | str | tuple]:
        """The facts C needs, as board.h defines them: ``ET_<TABLE>_<KEY>`` for each integer.

        A tuple becomes an initializer in braces.
        """
        tables = {"UART": self.uart, "CLOCK": self.clock, "COUNTER": self.counter}
        numbers = {
            f"ET_{table}_{key.upper()}": value
            for table, facts in tables.items()
            for key, value in facts.items()
            if isinstance(value, int) and key != BAUD_MAX
        }
        region = {"ET_FLASH_ORIGIN": self.flash.origin, "ET_FLASH_LENGTH": self.flash.length}
        flash = {**self.geometry.macros(), **region} if self.geometry else {}
        store = self.store.macros() if self.store else {}
        return {"ET_BOARD_NAME": self.name, **numbers, **flash, **store}

    def with_ram(self, length: int) -> "Board":
        """This board as if it had the first ``length`` bytes of its RAM alone.

        Raises:
            UsageError: it has not so much.
        """
        if length > self.ram.length:
            raise UsageError(
                f"{self.title} has no {length:,} bytes of RAM.",
                f"It has {self.ram.length:,}.", "Name fewer, or leave --ram out.",
            )
        fewer = replace(self.ram, length=length // RAM_UNIT * RAM_UNIT)
        return replace(
            self, regions=tuple(fewer if one is self.ram else one for one in self.regions)
        )

    def with_baud(self, most: int) -> "Board":
        """This board with a line of ``most`` bits per second at the most.

        Raises:
            UsageError: fewer than it starts with.
        """
        if most < self.baud:
            raise UsageError(
                f"{self.title} cannot talk at {most:,} bits per second.",
                f"Its firmware starts with {self.baud:,}, baud in its board.toml.",
                f"With --baud {self.baud} it stays at that.",
            )
        return replace(self, uart=self.uart | {BAUD_MAX: most})

    def _region(self, kind: str) -> Region:
        return next(region for region in self.regions if region.kind == kind and region.use)


EVIDENCE_LEVELS = ("hardware", "emulated", "built")
