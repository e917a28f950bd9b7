"""What the words of a board.toml may be: its tables go into C, makefiles, scripts and commands.

A board folder may come from anywhere.  Its own C and its own platform are code by design, and so
are OpenOCD's scripts; no other word of it is, which is why each that is used as a name has the
form of one, and no text has control characters.
"""

from __future__ import annotations

import re
from typing import Any

from edgetune.printable import one_line

LONGEST = 500  # characters of a text
DEEPEST = 8  # tables in tables
_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
SOURCE = re.compile(rf"(?:{_PART}/)+{_PART}\.c")
PLATFORM = re.compile(rf"(?:{_PART}/)*{_PART}\.repl")
PERIPHERAL = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
MACHINE = re.compile(_PART)
KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Names in [emulators.NAME]: what they must look like, and an example.
_EMULATED = {
    "platform": (PLATFORM, "platforms/cpus/stm32f4.repl"), "uart": (PERIPHERAL, "usart2"),
    "timer": (PERIPHERAL, "timer2"), "machine": (MACHINE, "netduinoplus2"),
}


def check_words(data: dict) -> None:
    """ValueError where the tables of a board.toml hold what would be more than a name or a text."""
    _check_text("", data, 0)
    flash = (data.get("flash") or {}).get("sources", [])
    for name in [*data["port"]["sources"], *(flash if isinstance(flash, list) else [])]:
        _check_form("A source", name, SOURCE, "stm32/usart_v1.c, or board/mine.c of its own")
    for emulator, table in data.get("emulators", {}).items():
        for key, (form, example) in _EMULATED.items():
            if key in table:
                _check_form(f"emulators.{emulator}.{key}", table[key], form, example)
        if type(table.get("serial", 0)) is not int or not 0 <= table.get("serial", 0) < 16:
            raise ValueError("emulators.qemu.serial is no number of a serial port.")


def _check_form(what: str, name: object, form: re.Pattern, example: str) -> None:
    if not isinstance(name, str) or len(name) > LONGEST or not form.fullmatch(name):
        shown = one_line(str(name)[:80])
        raise ValueError(f"{what} is named '{shown}', which is no name: {example}.")


def _check_text(place: str, value: Any, depth: int) -> None:
    """Printable, and of bounded length and depth, wherever it stands."""
    if depth > DEEPEST:
        raise ValueError("Its tables lie too deep in each other.")
    if isinstance(value, dict):
        for key, item in value.items():
            if not KEY.fullmatch(key):
                raise ValueError(f"An entry is called '{one_line(key[:80])}', which is no name.")
            _check_text(f"{place}.{key}".lstrip("."), item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_text(place, item, depth + 1)
    elif isinstance(value, str) and (len(value) > LONGEST or not value.isprintable()):
        shown = one_line(value[:80])
        raise ValueError(f"{place} is '{shown}': it is too long, or has control characters.")
