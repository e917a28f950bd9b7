"""Finds a part in the index by a name as people write it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from edgetune.errors import ToolchainError, UsageError
from edgetune.packs.index import Index
from edgetune.packs.part import Part

OFFLINE = (
    "edgetune packs update needs the network. Without it, take the maker's pack from another "
    "computer: edgetune packs install FILE.pack, or name its description with --pdsc FILE."
)
_PACKAGE = 2  # letters for package and temperature at the end of an order code, "T6"


def find_part(index: Index, name: str, processor: str = "") -> Part:
    """The part called ``name``: exactly, or by the start of its name, with x for any letter.

    Parts that differ in their package alone count as one.

    Raises:
        ToolchainError: the index is empty.
        UsageError: no such part, or several; near ones are named.
    """
    if not index.entries:
        raise ToolchainError(f"{name} cannot be looked up.", "The index of parts is empty.",
                             OFFLINE)
    found = _matches(index.entries, name)
    if not found:
        raise _unknown(index.entries, name)
    first = index.entries[found[0]]
    if any(_facts(index.entries[other]) != _facts(first) for other in found):
        raise UsageError(
            f"'{name}' may be any of {len(found)} parts.",
            f"They are {_some(found)}.",
            "Write more of the name.",
        )
    return index.part(found[0], processor)


def _matches(known: Iterable[str], name: str) -> list[str]:
    wanted = name.strip()
    exact = [one for one in known if one.lower() == wanted.lower()]
    starts = sorted(one for one in known if len(one) >= len(wanted) and _alike(one, wanted))
    shorter = [one for one in known if len(wanted) - _PACKAGE <= len(one) < len(wanted)
               and _alike(one, wanted)]
    return exact or starts or sorted(shorter, key=len)[-1:]


def _alike(known: str, wanted: str) -> bool:
    """Whether the names agree as far as the shorter goes; a small x stands for any letter."""
    return bool(wanted) and all(
        a.lower() == b.lower() or a == "x" or b == "x" for a, b in zip(known, wanted, strict=False)
    )


def _facts(entry: dict) -> tuple:
    return tuple(entry.get(key) for key in ("memories", "processors", "from_pack"))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more


def _unknown(known: Iterable[str], name: str) -> UsageError:
    spelled = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), spelled, n=5, cutoff=0.6)
    cause = "The index of parts does not have it."
    if near:
        cause += f" Near it: {', '.join(spelled[one] for one in near)}."
    return UsageError(
        f"Unknown part '{name}'.",
        cause,
        "Check the name, update the index (edgetune packs update), or name the description of "
        "its family pack: --pdsc FILE",
    )
