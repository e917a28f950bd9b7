"""Puts a board together: from the part, a relative and the user's wishes."""

from __future__ import annotations

import re

from edgetune.boards.adding.chip import core_of, fpu_of, regions_of
from edgetune.boards.adding.clock import ports_of
from edgetune.boards.adding.notes import Notes
from edgetune.boards.adding.relative import Relative, find_relative
from edgetune.boards.adding.uart import uart_of
from edgetune.boards.adding.wishes import BoardWishes
from edgetune.boards.adding.writing import emulators_of, flash_of, flasher_of
from edgetune.dataclass import dataclass
from edgetune.errors import DataError, UsageError
from edgetune.packs import Part

_MISSING_RELATIVE = ["--like BOARD", "--uart base=NUMBER", "--uart irq=NUMBER", "--tx PIN",
                     "--rx PIN", "--clock HZ"]


@dataclass(frozen=True)
class Draft:
    """``data``: what board.toml will hold. ``relative``: the board that ports were taken from."""

    part: Part
    relative: Relative | None
    data: dict
    notes: Notes

    def check(self) -> None:
        """UsageError that names every option that is still missing."""
        if self.notes.missing:
            raise UsageError(
                f"Facts of a board with {self.part.name} are missing, which its pack does not "
                "have.",
                f"Missing: {'; '.join(self.notes.missing)}.",
                "Give these options. The values are in the chip's reference manual; "
                "docs/boards-adding.md says where.",
            )


def draft_board(part: Part, wishes: BoardWishes) -> Draft:
    """All that is known of a board with ``part``, and what is missing.

    Raises:
        UsageError: edgetune has no code for its core, or a wish contradicts the rest.
        DataError: the part's name is not one.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.+-]+", part.name):
        raise DataError(
            f"The part's name {part.name!r} has characters that no part's name has.",
            f"It comes from {part.pack}.", "Correct the description.",
        )
    notes = Notes()
    core = core_of(part, notes)
    relative = find_relative(part, core, wishes.like)
    known = relative.data["memory"] if relative and relative.family else []
    wanted = {"flash": wishes.flash, "ram": wishes.ram}
    chip = {
        "title": f"{part.name} board",
        "maker": re.sub(r"[^\w .&-]", "", part.maker),
        "chip": part.name,
        "core": core,
        "fpu": fpu_of(part, core),
        "memory": regions_of(part, wanted, known, notes),
    }
    notes.taken.append(f"{part.pack}: {_of_the_pack(part)}")
    if relative is None:
        notes.missing += _MISSING_RELATIVE
        return Draft(part, None, chip, notes)
    return Draft(part, relative, chip | _from_relative(part, core, relative, wishes, chip, notes),
                 notes)


def _from_relative(
    part: Part, core: str, relative: Relative, wishes: BoardWishes, chip: dict, notes: Notes
) -> dict:
    what = "port sources, UART, clock, counter" if relative.family else "drivers"
    notes.taken.append(f"{relative.name} ({relative.board.chip}): {what}")
    if relative.family and not relative.of_line(part):
        notes.assumed.append(f"registers: where {relative.board.chip} has them; {part.name} is of "
                             "another line of the family, so compare with its reference manual")
    uart = uart_of(relative, wishes, notes)
    ports = ports_of(part, core, relative, wishes, notes)
    used = [region for region in chip["memory"] if region.get("use", True)]
    flash = next((region for region in used if region["kind"] == "flash"), None)
    complete = not notes.missing
    return {
        "port": {"sources": ports.sources},
        "uart": uart,
        "clock": ports.clock,
        "counter": ports.counter,
        "flash": flash_of(part, flash, relative, notes) if flash else None,
        "flasher": flasher_of(part, relative),
        "emulators": emulators_of(used, uart, relative, notes) if complete else {},
        "evidence": [_evidence(part, relative)],
    }


def _evidence(part: Part, relative: Relative) -> dict:
    return {
        "claim": f"core and memories as in the pack, ports as on {relative.name}",
        "level": "built",
        "where": f"generated from {part.pack}; never built or run by edgetune's own tests",
    }


def _of_the_pack(part: Part) -> str:
    facts = ["core", "FPU", "memories"]
    facts += ["flash algorithm"] if part.algorithm else []
    facts += [f"at most {part.clock_hz / 1e6:g} MHz"] if part.clock_hz else []
    name = f"{part.name} {part.processor}".strip()
    return f"{name} with {', '.join(facts)}"
