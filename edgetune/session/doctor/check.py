"""One thing that the doctor looked at, and how versions are told apart."""

from __future__ import annotations

import re

from edgetune.dataclass import dataclass


@dataclass(frozen=True)
class Check:
    """One thing: ``needed`` by the main job on an emulator, else only for ``use``.

    ``found`` says what is there or why nothing is; ``fix`` is the command that mends it.
    ``broken``: it is there and does not work, so that whoever wants the use fails.
    """

    name: str
    ok: bool
    needed: bool
    use: str
    found: str
    fix: str = ""
    broken: bool = False


def version_of(text: str) -> tuple[int, ...]:
    """The first dotted number in ``text``, as integers; () where there is none."""
    found = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(int(part) for part in found.group().split(".")) if found else ()
