"""What a board.toml says of the flash that code lies in, for what the firmware keeps there."""

from edgetune.dataclass import dataclass

COMMON = "cortex_m/flash.c"  # what the drivers of all chips share


@dataclass(frozen=True)
class FlashGeometry:
    """How flash is erased and programmed; firmware/ports/flash.h says what for.

    ``sources``: the driver, relative to firmware/ports. ``unit``: bytes programmed at once, and
    their alignment. ``busy_ms``: a bound on what an erase or a unit takes, milliseconds.
    ``sectors``: (count, bytes) runs of equal sectors, from the region's origin to its end.
    ``facts``: further integers of the table, for the driver.
    """

    sources: tuple[str, ...]
    unit: int
    busy_ms: int
    sectors: tuple[tuple[int, int], ...]
    facts: dict[str, int]

    def macros(self) -> dict[str, int | tuple]:
        """``ET_FLASH_<KEY>`` for each fact, and the sectors."""
        numbers = {"unit": self.unit, "busy_ms": self.busy_ms, **self.facts}
        named = {f"ET_FLASH_{key.upper()}": value for key, value in numbers.items()}
        return {**named, "ET_FLASH_SECTORS": self.sectors}


def read_geometry(table: dict | None, length: int) -> FlashGeometry | None:
    """The table [flash] of a board whose flash region has ``length`` bytes.

    None where there is no such table: FPGA images have RAM in place of flash.

    Raises:
        ValueError: the table contradicts itself or the region.
        KeyError: an entry is missing.
    """
    if table is None:
        return None
    facts = dict(table)
    sectors = tuple((count, size) for count, size in facts.pop("sectors"))
    geometry = FlashGeometry(
        sources=(COMMON, *facts.pop("sources")),
        unit=facts.pop("unit"),
        busy_ms=facts.pop("busy_ms"),
        sectors=sectors,
        facts=facts,
    )
    _check(geometry, length)
    return geometry


def _check(geometry: FlashGeometry, length: int) -> None:
    if any(not str(source).endswith(".c") for source in geometry.sources):
        raise ValueError("flash.sources is not a list of C files.")
    numbers = (geometry.unit, geometry.busy_ms, *sum(geometry.sectors, ()))
    if not all(type(number) is int and number > 0 for number in numbers):
        raise ValueError("flash.unit, flash.busy_ms and flash.sectors are positive integers.")
    if any(type(fact) is not int for fact in geometry.facts.values()):
        raise ValueError(f"[flash] has an entry that is no integer: {', '.join(geometry.facts)}.")
    if geometry.unit & geometry.unit - 1 or geometry.unit < 2:
        raise ValueError(f"flash.unit is {geometry.unit}, not a power of two from 2 on.")
    if any(size % geometry.unit for _, size in geometry.sectors):
        raise ValueError("A sector in flash.sectors is not a whole number of units.")
    total = sum(count * size for count, size in geometry.sectors)
    if total != length:
        raise ValueError(f"flash.sectors add up to {total} bytes, but the region has {length}.")
