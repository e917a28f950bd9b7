"""Core and memories of a part, as board.toml has them."""

from __future__ import annotations

import re

from edgetune.boards.adding.notes import Notes
from edgetune.errors import UsageError
from edgetune.packs import Memory, Part

# Code for armv6-m runs on both Cortex-M0 and M0+.
_CORES = {
    "CortexM0": "cortex-m0plus",
    "CortexM0Plus": "cortex-m0plus",
    "CortexM3": "cortex-m3",
    "CortexM4": "cortex-m4",
    "CortexM7": "cortex-m7",
    "CortexM33": "cortex-m33",
    "CortexM55": "cortex-m55",
}
_FPUS = {"SinglePrecision": "fpv5-sp-d16", "DoublePrecision": "fpv5-d16"}
# Extensions that firmware for a core uses: the description's word for a part without it.
_NEEDS = {"cortex-m33": ("Ddsp", "NO_DSP", "DSP"), "cortex-m55": ("Dmve", "NO_MVE", "MVE")}
_HIGHEST = 1 << 32


def core_of(part: Part, notes: Notes) -> str:
    """The core that firmware for ``part`` is built for.

    Raises:
        UsageError: edgetune has no code for it.
    """
    if part.core not in _CORES:
        raise UsageError(
            f"{part.name} has a {_spoken(part.core)}, for which edgetune has no code.",
            f"Firmware is built for {', '.join(map(_spoken, _CORES))}.",
            _other_processor(part) or "Choose another part.",
        )
    core = _CORES[part.core]
    if part.core == "CortexM0":
        notes.assumed.append("core: built as for a Cortex-M0+, whose code runs on a Cortex-M0")
    _check_extension(part, core, notes)
    return core


def _check_extension(part: Part, core: str, notes: Notes) -> None:
    if core not in _NEEDS:
        return
    key, none, extension = _NEEDS[core]
    if part.extensions.get(key) == none:
        raise UsageError(
            f"{part.name} has no {extension} instructions, which firmware for its core uses.",
            f"Its description says {key}={none}.",
            _other_processor(part) or "Choose another part.",
        )
    if key not in part.extensions:
        notes.assumed.append(
            f"core: has its {extension} instructions; the description does not say"
        )


def fpu_of(part: Part, core: str) -> str:
    """The floating-point unit by GCC's name, or "none"."""
    name = _FPUS.get(part.fpu, "none")
    return name.replace("fpv5", "fpv4") if core == "cortex-m4" else name


def regions_of(
    part: Part, wanted: dict[str, tuple[int, int] | None], known: list[dict], notes: Notes
) -> list[dict]:
    """The tables [[memory]]: one flash and one RAM in use, then the others.

    Args:
        part: whose memories.
        wanted: "flash" and "ram" -> origin and length that the user chose.
        known: the tables [[memory]] of the board taken over; its choice among the part's
            memories is kept.
        notes: gets what was missing.
    """
    memories = [m for m in part.memories if m.end <= _HIGHEST and (m.writable or m.executable)]
    regions, taken = [], []
    for kind, place in wanted.items():
        if place:
            regions.append(_region(kind, kind, *place))
            continue
        own = [memory for memory in memories if _kind(memory) == kind]
        chosen = _choose(own, [r for r in known if r["kind"] == kind and r.get("use", True)])
        taken += chosen
        if chosen:
            size = chosen[-1].end - chosen[0].start
            regions.append(_region(_word(chosen[0].name), kind, chosen[0].start, size))
        else:
            notes.missing.append(f"--{kind} ORIGIN,LENGTH")
    rest = [memory for memory in memories if memory not in taken]
    others = [_region(_word(m.name), _kind(m), m.start, m.size) | {"use": False} for m in rest]
    return regions + others


def _choose(memories: list[Memory], known: list[dict]) -> list[Memory]:
    """The memory to use, with those right behind it that are meant for use too."""
    if not memories:
        return []
    origins = [region["origin"] for region in known]
    first = max(memories, key=lambda m: (m.start in origins, m.default, m.startup, m.size,
                                         -m.start))
    end = max((r["origin"] + r["length"] for r in known if r["origin"] == first.start), default=0)
    chosen = [first]
    for memory in memories:
        if memory.start == chosen[-1].end and (memory.default or memory.end <= end):
            chosen.append(memory)
    return chosen


def _kind(memory: Memory) -> str:
    return "ram" if memory.writable else "flash"


def _region(name: str, kind: str, origin: int, length: int) -> dict:
    return {"name": name, "kind": kind, "origin": origin, "length": length}


def _word(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "memory"


def _spoken(core: str) -> str:
    """CortexM0Plus -> Cortex-M0+"""
    return core.replace("Cortex", "Cortex-").replace("Plus", "+")


def _other_processor(part: Part) -> str:
    others = [name for name in part.processors if name and name != part.processor]
    return f"It has others: --processor {' or '.join(others)}" if others else ""
