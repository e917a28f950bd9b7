"""A firmware image as flashers need it: the bytes to write, and where execution begins."""

from __future__ import annotations

import struct
from functools import cached_property
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from edgetune.boards import Board
from edgetune.boards.loader import NAME_BYTES
from edgetune.dataclass import dataclass
from edgetune.errors import UsageError
from edgetune.files import check_regular

ERASED = 0xFF
BOARD_OFFSET = 28  # of the board's name in et_model_info
VECTOR_ALIGNMENT = 128  # bytes; the least that VTOR takes (Armv6-M and Armv7-M manuals, B3.2)


@dataclass(frozen=True)
class FlashImage:
    """An ELF file. ``segments``: (address, bytes) of all that is loaded, by address, apart.

    ``entry``: the address of the first instruction, its Thumb bit cleared.  ``board``: the name of
    the board that edgetune built it for, "" where it does not say.
    """

    path: Path
    segments: tuple[tuple[int, bytes], ...]
    entry: int
    board: str = ""

    @property
    def origin(self) -> int:
        """The lowest address."""
        return self.segments[0][0]

    @property
    def size(self) -> int:
        """How many bytes are loaded."""
        return sum(len(data) for _, data in self.segments)

    def flat(self) -> bytes:
        """All bytes from ``origin`` on, as erased flash reads between segments."""
        last, data = self.segments[-1]
        memory = bytearray([ERASED]) * (last + len(data) - self.origin)
        for address, content in self.segments:
            memory[address - self.origin : address - self.origin + len(content)] = content
        return bytes(memory)

    @cached_property
    def vectors(self) -> int:
        """Address of the vector table: the first place whose second word is the entry point.

        Raises:
            UsageError: there is none.
        """
        memory = self.flat()
        for at in range(0, len(memory) - 7, VECTOR_ALIGNMENT):
            if struct.unpack_from("<I", memory, at + 4)[0] & ~1 == self.entry:
                return self.origin + at
        raise _refused(self.path, "It holds no vector table that leads to its entry point.")

    def check(self, board: Board) -> None:
        """UsageError if it names another board, or a byte lies outside the program memory."""
        if self.board not in ("", board.name):
            raise UsageError(
                f"{self.path} was not built for {board.title}.",
                f"It was built for {self.board}, whose clocks and pins are others.",
                f"Name that board: --board {self.board}",
            )
        flash = [region for region in board.regions if region.kind == "flash"]
        for address, data in self.segments:
            if not any(region.holds(address, len(data)) for region in flash):
                raise UsageError(
                    f"{self.path} was not built for {board.title}.",
                    f"{len(data):,} bytes of it belong at 0x{address:08X}, where that board has no "
                    "program memory.",
                    "Name the board it was built for: --board NAME",
                )


def read_image(path: Path) -> FlashImage:
    """Read an ELF file.

    Raises:
        UsageError: it cannot be read, or is no program for an Arm core.
    """
    try:
        with open(check_regular(path), "rb") as file:
            return _parse(path, ELFFile(file))
    except OSError as error:
        raise _refused(path, f"{error.strerror}.") from None
    except (ELFError, ValueError, struct.error) as error:
        raise _refused(path, f"It is no ELF file: {error}.") from None


def _parse(path: Path, elf: ELFFile) -> FlashImage:
    if elf["e_machine"] != "EM_ARM" or elf.elfclass != 32:
        raise _refused(path, "It is a program, but not one for an Arm microcontroller.")
    segments = sorted(
        (segment["p_paddr"], segment.data())
        for segment in elf.iter_segments()
        if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]
    )
    if not segments:
        raise _refused(path, "Nothing of it is loaded into memory.")
    return FlashImage(path, tuple(segments), elf["e_entry"] & ~1, _board_name(elf))


def _board_name(elf: ELFFile) -> str:
    """What et_model (firmware/engine/model.h) names; "" in a program without it."""
    table = elf.get_section_by_name(".symtab")
    found = table.get_symbol_by_name("et_model") if table else None
    if not found or not isinstance(found[0]["st_shndx"], int):
        return ""
    section, symbol = elf.get_section(found[0]["st_shndx"]), found[0]
    start = symbol["st_value"] - section["sh_addr"] + BOARD_OFFSET
    name = section.data()[start : start + NAME_BYTES]
    return name.split(b"\0")[0].decode("utf-8", "replace")


def _refused(path: Path, cause: str) -> UsageError:
    return UsageError(
        f"{path} cannot be written to a board.",
        cause,
        "Name the firmware.elf of a build, or a model and let edgetune build it.",
    )
