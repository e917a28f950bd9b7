"""A part as the index of cmsis-pack-manager has it, with the clock limit of its description."""

from __future__ import annotations

from edgetune.dataclass import dataclass
from edgetune.packs.name import PackName


@dataclass(frozen=True)
class Memory:
    """A memory of a part: ``size`` bytes from ``start``.

    ``default``: meant for programs that do not choose. ``startup``: the core starts from it.
    """

    name: str
    start: int
    size: int
    writable: bool
    executable: bool
    default: bool
    startup: bool

    @property
    def end(self) -> int:
        """The first address behind the memory."""
        return self.start + self.size


@dataclass(frozen=True)
class Part:
    """One part, or one processor of it.

    ``line``: the subfamily, "STM32F407", or "". ``core`` and ``fpu`` are the index's words
    ("CortexM4", "SinglePrecision"). ``processor``: its name where the part has several, else "".
    ``processors``: all those names.
    ``clock_hz``: the most its core may run at; None where that is not known. ``extensions``: the
    description's Ddsp, Dmve and Dtz, as far as it has them. ``algorithm``: the flash algorithm's
    file in the pack; "" where there is none.
    """

    name: str
    maker: str
    family: str
    line: str
    core: str
    fpu: str
    processor: str
    processors: tuple[str, ...]
    memories: tuple[Memory, ...]
    algorithm: str
    pack: PackName
    clock_hz: int | None
    extensions: dict[str, str]
