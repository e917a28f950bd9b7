"""How firmware and, later, weights are written to a new board: [flash] and [flasher]."""

from __future__ import annotations

import re

from edgetune.boards.adding.notes import Notes
from edgetune.boards.adding.relative import Relative
from edgetune.packs import Part

_OF_THE_CHIP = ("st-flash", "uf2", "picotool", "jlink")  # flashers that no board's wiring changes


def flash_of(part: Part, region: dict, relative: Relative, notes: Notes) -> dict | None:
    """The relative's [flash], cut to the region's length; None where it does not suit."""
    table = relative.data.get("flash")
    if table is None or not relative.family:
        return None
    theirs = relative.board.flash
    sectors = _cut(table["sectors"], region["length"])
    banks = theirs.length != region["length"] and any("bank" in key for key in table)
    if theirs.origin != region["origin"] or sectors is None or banks:
        notes.assumed.append(
            f"[flash]: left out, because the flash differs from that of {relative.name}; "
            "firmware cannot write to it"
        )
        return None
    line = "" if relative.of_line(part) else ", a chip of another line"
    notes.assumed.append(f"[flash]: driver and sectors as on {relative.name}{line}")
    return table | {"sectors": sectors}


def flasher_of(part: Part, relative: Relative) -> dict:
    """The table [flasher]: pyOCD by the pack's flash algorithm, and what suits the chip."""
    theirs = relative.data["flasher"] if relative.family else {"tools": []}
    tools = ["pyocd"] if part.algorithm else []
    tools += [name for name in theirs["tools"] if name in _OF_THE_CHIP]
    tables = {name: theirs[name] for name in tools if name in theirs}
    if "pyocd" in tools:
        target = part.name.lower().replace("-", "_")
        tables["pyocd"] = {"target": target, "pack": part.pack.dotted}
    if "jlink" in tools:
        tables["jlink"] = {"device": _without_package(part.name)}
    if "identity" in theirs and _same_chip(part, relative):
        tables["identity"] = theirs["identity"]
    if not tools:
        return {"tools": [], "note": "has no flash algorithm in its pack; write it by other means"}
    return {"tools": tools} | tables


def emulators_of(regions: list[dict], uart: dict, relative: Relative, notes: Notes) -> dict:
    """The relative's emulators, where what is used of the part is there as well."""
    theirs = relative.board
    if not relative.family or not theirs.emulators:
        return {}
    inside = all(
        any(own.holds(region["origin"], region["length"]) for own in (theirs.flash, theirs.ram))
        for region in regions if region.get("use", True)
    )
    if not inside or uart["base"] != theirs.uart["base"]:
        notes.assumed.append(f"emulators: none, because memory or UART differ from {theirs.name}")
        return {}
    notes.assumed.append(f"emulators: those of {theirs.name}, whose chip they model")
    return theirs.emulators


def _cut(sectors: list, length: int) -> list | None:
    """The first runs of sectors that add up to ``length``; None where none do."""
    left, result = length, []
    for count, size in sectors:
        fitting = min(count, left // size)
        if fitting:
            result.append([fitting, size])
        left -= fitting * size
        if fitting < count:
            break
    return result if left == 0 else None


def _same_chip(part: Part, relative: Relative) -> bool:
    """Whether they differ in their package alone."""
    return part.name.lower().startswith(relative.board.chip.lower())


def _without_package(name: str) -> str:
    """STM32F407VGTx -> STM32F407VG, as SEGGER names such parts."""
    return re.sub(r"[A-Z]x[A-Z]?$", "", name)
