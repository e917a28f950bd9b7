"""What an ELF file takes of the real chip's memory, and whether it stays inside.

Emulators often have more memory than the chip, so only this check notices.
"""

from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from edgetune.boards import Board
from edgetune.dataclass import dataclass
from edgetune.errors import DoesNotFitError, ToolchainError


@dataclass(frozen=True)
class Section:
    """A section that lives on the chip: where it runs, and where flash holds it (or None)."""

    name: str
    address: int
    load_address: int | None
    size: int


@dataclass(frozen=True)
class MemoryUse:
    """Bytes. ``flash``: code, constants and the initial values of variables, gaps included.

    ``static_ram``: variables and buffers; ``stack``: the region reserved for the stack.
    """

    flash: int
    static_ram: int
    stack: int
    sections: tuple[Section, ...]

    @property
    def ram(self) -> int:
        """Static RAM and stack together."""
        return self.static_ram + self.stack


def read_memory_use(elf: Path) -> MemoryUse:
    """Read the sections of a linked image.

    Raises:
        ToolchainError: the file is missing or not an ELF file.
    """
    try:
        with elf.open("rb") as file:
            sections = tuple(_sections(ELFFile(file)))
    except (OSError, ELFError) as error:
        raise ToolchainError(
            f"{elf} is not an image that can be read.", str(error), "Build it again."
        ) from error
    loaded = [section for section in sections if section.load_address is not None]
    start = min((section.load_address for section in loaded), default=0)
    end = max((section.load_address + section.size for section in loaded), default=0)
    variables = [section for section in sections if section.name in (".data", ".bss")]
    return MemoryUse(
        flash=end - start,
        static_ram=sum(section.size for section in variables),
        stack=sum(section.size for section in sections if section.name == ".stack"),
        sections=sections,
    )


def check_memory(use: MemoryUse, board: Board) -> None:
    """Refuse an image with a section outside the board's memory in use.

    Raises:
        DoesNotFitError: names the first such section and by how much it misses.
    """
    for section in use.sections:
        _check_place(section.name, section.address, section.size, board, ("flash", "ram"))
        if section.load_address is not None:
            _check_place(section.name, section.load_address, section.size, board, ("flash",))


def _check_place(name: str, address: int, size: int, board: Board, kinds: tuple) -> None:
    regions = [region for region in board.regions if region.kind in kinds and region.use]
    if any(region.holds(address, size) for region in regions):
        return
    places = ", ".join(f"{r.name} 0x{r.origin:08X}..0x{r.end - 1:08X}" for r in regions)
    raise DoesNotFitError(
        f"Section {name} lies outside the memory of {board.title}.",
        f"It takes 0x{address:08X}..0x{address + size - 1:08X}; the chip has {places}.",
        "Train fewer layers, choose a smaller model, or a board with more memory.",
    )


def _sections(elf: ELFFile):
    segments = [segment for segment in elf.iter_segments() if segment["p_type"] == "PT_LOAD"]
    for section in elf.iter_sections():
        if section["sh_flags"] & SH_FLAGS.SHF_ALLOC and section["sh_size"]:
            stored = section["sh_type"] != "SHT_NOBITS"
            yield Section(
                section.name,
                section["sh_addr"],
                _load_address(section, segments) if stored else None,
                section["sh_size"],
            )


def _load_address(section, segments) -> int:
    for segment in segments:
        offset = section["sh_addr"] - segment["p_vaddr"]
        if segment.section_in_segment(section):
            return segment["p_paddr"] + offset
    return section["sh_addr"]
