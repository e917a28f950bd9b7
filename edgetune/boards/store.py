"""What a board.toml says of the flash that keeps what was learnt: the last sectors of the memory
that code lies in."""

from __future__ import annotations

from edgetune.boards.geometry import FlashGeometry
from edgetune.dataclass import dataclass

SLOTS = 2
RECORD_BYTES = 32
PLACES = 8  # records before the state of a slot, as in firmware/store/store.h


@dataclass(frozen=True)
class StoreRegion:
    """``length`` bytes from ``origin`` to the end of flash, equal sectors of ``sector`` bytes; a
    half of them is a slot.  ``unit``: bytes programmed at once."""

    origin: int
    length: int
    sector: int
    unit: int

    @property
    def capacity(self) -> int:
        """Bytes of the largest state that a slot holds."""
        return self.length // SLOTS - PLACES * max(self.unit, RECORD_BYTES)

    @property
    def buffer_bytes(self) -> int:
        """What the firmware's buffer takes: one record, or one unit."""
        return max(self.unit, RECORD_BYTES)

    def macros(self) -> dict[str, int]:
        """What C sees of it."""
        return {
            "ET_STORE_ORIGIN": self.origin, "ET_STORE_SECTOR": self.sector,
            "ET_STORE_SECTORS": self.length // self.sector,
        }


def read_store(
    table: dict | None, geometry: FlashGeometry | None, flash_end: int
) -> StoreRegion | None:
    """The table [store] of a board whose flash ends at ``flash_end``; None where there is none.

    Raises:
        ValueError: it is no even number of equal sectors at the end of flash.
        KeyError: an entry is missing.
    """
    if table is None:
        return None
    if geometry is None:
        raise ValueError("[store] needs the table [flash], which says how flash is written.")
    origin, length = table["origin"], table["length"]
    if not all(type(number) is int and number > 0 for number in (origin, length)):
        raise ValueError("store.origin and store.length are positive integers.")
    if origin + length != flash_end:
        raise ValueError("The store is not the end of flash.")
    sector = _sector(geometry, length)
    if length % (SLOTS * sector):
        raise ValueError("The store is not an even number of whole, equal sectors.")
    region = StoreRegion(origin, length, sector, geometry.unit)
    if sector % region.buffer_bytes or region.capacity <= 0:
        raise ValueError("The store's sectors are too small for its records.")
    return region


def _sector(geometry: FlashGeometry, length: int) -> int:
    """Bytes of the last sectors, which have to reach over ``length``."""
    count, size = geometry.sectors[-1]
    if count * size <= length:
        raise ValueError("The store takes all of flash, or reaches over unequal sectors.")
    return size
