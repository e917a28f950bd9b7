"""The engine's files that a model needs, under the names of one library.

Every library has the engine to itself: what its rule and its draw make of it would be wrong for
another model.  All that the linker sees begins with the library's prefix in place of ``et_``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from edgetune.codegen.project import engine_sources
from edgetune.plan.plan import Plan
from edgetune.resources import resource_path

_NAME = re.compile(r"\bet_\w+")
_INCLUDE = re.compile(r'^#include "([\w.]+)"', re.M)
_DEFINED = re.compile(r"^[a-z][\w *]*?\b(et_\w+)\([^;{}]*\)\s*\{", re.M)
_PROTOTYPE = re.compile(r"^[a-z][\w *]*\bet_\w+\([^;{}]*\);", re.M)
_COMMENT = re.compile(r"/\*.*?\*/", re.S)
CONFIG = "model_config.h"
CONFIGURED = "dsp.h", "rule.h", "vectors.h"  # what the build's macros decide in
# Of libraries' public headers, and of the server's store, which no library has.
ELSEWHERE = ("edgetune.h", "edgetune_link.h", "keeping.h")


def renamed(text: str, prefix: str) -> str:
    """``text`` with the engine's names under ``prefix``."""
    return re.sub(r"\b(et_|(?=port_))(?=\w)", f"{prefix}_", text)


def needed_files(
    plan: Plan, made: Mapping[str, str], others: Iterable[str], link: bool = False,
) -> dict[str, str]:
    """Name -> text of the firmware's files that a library consists of beside what is generated.

    Args:
        made: the generated files.
        others: files of ``firmware/library`` that belong to it.
        link: whether the server does as well.
    """
    found = {name: _text("library", name) for name in others}
    sources = {name: _text("engine", name) for name in engine_sources(plan)}
    if link:
        folder = resource_path("firmware") / "link"
        sources |= {path.name: _text("link", path.name) for path in folder.glob("*.c")}
    homes = {symbol: name for name, text in sources.items() for symbol in _defined(text)}
    waiting = [*made.values(), *found.values()]
    while waiting:
        text = waiting.pop()
        for name in [*_INCLUDE.findall(text), *_sources_of(text, homes)]:
            if name not in found and name not in made and name not in ELSEWHERE:
                found[name] = sources.get(name) or _header(name)
                waiting.append(found[name])
    return found


def _header(name: str) -> str:
    folders = ("engine", "library", "link", "ports")
    home = next(f for f in folders if (resource_path("firmware") / f / name).is_file())
    text = _text(home, name)
    return f'#include "{CONFIG}"\n\n{text}' if name in CONFIGURED else text


def _sources_of(text: str, homes: Mapping[str, str]) -> list[str]:
    """Files that define what ``text`` calls, not what it only declares."""
    code = _PROTOTYPE.sub("", _COMMENT.sub("", text))
    return sorted({homes[symbol] for symbol in _NAME.findall(code) if symbol in homes})


def _defined(text: str) -> list[str]:
    return _DEFINED.findall(_COMMENT.sub("", text))


def _text(folder: str, name: str) -> str:
    return (resource_path("firmware") / folder / name).read_text(encoding="utf-8")
