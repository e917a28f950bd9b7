"""Writes what a project needs beside its sources: Makefile, linker.ld, board.h and the ports."""

import hashlib
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from edgetune.boards import Board
from edgetune.build.flash_command import flash_command
from edgetune.build.ports import PORTS, copy_host_port, copy_ports, port_files
from edgetune.codegen.c_text import comment
from edgetune.codegen.for_size import compiled_for_size

STACK_UNIT = 32  # bytes; keeps .data aligned for vector loads
STACK_LEAST = 1024  # bytes; where the stack gets what is left over

_TEMPLATES = Path(__file__).parent / "templates"


def write_build_files(
    folder: Path,
    board: Board,
    sources: Iterable[str],
    defines: Mapping[str, object] | None = None,
    *,
    vendor_sources: Iterable[str] = (),
    includes: Iterable[str] = (),
    flags: Iterable[str] = (),
    stack_bytes: int | None = None,
    store: bool = False,
) -> bytes:
    """Make ``folder`` a project that builds with `make` and `make native`.

    Returns:
        SHA-256 of all that is built beside ``sources``, and of how.

    Args:
        folder: the project; its sources may be written before or after.
        board: what the firmware is for.
        sources: C files of the project, relative to ``folder``, compiled for both targets.
        defines: preprocessor macros.
        vendor_sources: like ``sources``, compiled without warnings.
        includes: include folders besides ``folder`` itself.
        flags: further compiler flags of the Cortex-M build.
        stack_bytes: size of the stack region, rounded up to 32; None gives it all RAM left over.
        store: leave the flash of the board's store alone; the native target has a file for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ports, host = copy_ports(board, folder), copy_host_port(folder, store)
    sources = [*sources]
    vendor = [*vendor_sources]
    small = compiled_for_size(board.core)
    values = {
        "BOARD": board.name,
        "SOURCES": _words(sources),
        "SMALL": _words(name for name in sources if Path(name).name in small),
        "VENDOR_SOURCES": _words(vendor),
        "PORT_SOURCES": _words(ports),
        "HOST_SOURCES": _words(host),
        "CORE_FLAGS": _words(board.flags),
        "DEFINES": _words(_define(name, value) for name, value in (defines or {}).items()),
        "INCLUDES": _words(f"-I{name}" for name in includes),
        "FLAGS": _words(flags),
        "FLASH": flash_command(board),
    }
    texts = {
        "Makefile": _filled("Makefile.in", values),
        "linker.ld": _filled("linker.ld.in", _linker_values(board, stack_bytes, store)),
        "board.h": _board_header(board),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    texts["Makefile"] = _filled("Makefile.in", values | {"FLASH": ""})  # it builds nothing
    headers = [f"{PORTS}/{name}" for name in port_files(board)[1]]
    return _digest(texts, [folder / name for name in (*ports, *headers, *host, *vendor)])


def _linker_values(board: Board, stack_bytes: int | None, store: bool) -> dict[str, str]:
    kept = board.store.length if store and board.store else 0
    if stack_bytes is None:
        least = STACK_LEAST
        others = "SIZEOF(.data) + SIZEOF(.bss)"
        size = f"{others} + {least} > LENGTH(RAM) ? {least} : LENGTH(RAM) - ({others})"
    else:
        least = -(-stack_bytes // STACK_UNIT) * STACK_UNIT
        size = str(least)
    return {
        "BOARD": board.name,
        "FLASH_ORIGIN": f"0x{board.flash.origin:08X}",
        "FLASH_LENGTH": f"0x{board.flash.length - kept:X}",
        "RAM_ORIGIN": f"0x{board.ram.origin:08X}",
        "RAM_LENGTH": f"0x{board.ram.length:X}",
        "STACK_SIZE": size,
        "STACK_LEAST": str(least),
    }


def _board_header(board: Board) -> str:
    lines = [f"/* {comment(board.title)}: the facts of its board.toml that C needs. */"]
    lines += ["#ifndef ET_BOARD_H", "#define ET_BOARD_H", ""]
    for name, value in board.macros().items():
        lines.append(f"#define {name} {_literal(value)}")
    return "\n".join([*lines, "", "#endif", ""])


def _literal(value: int | str | tuple) -> str:
    if isinstance(value, tuple):
        return "{" + ", ".join(_literal(item) for item in value) + "}"
    return f'"{value}"' if isinstance(value, str) else _number(value)


def _number(value: int) -> str:
    return f"0x{value:08X}u" if value > 0xFFFF and value % 1000 else f"{int(value)}u"


def _define(name: str, value: object) -> str:
    return shlex.quote(f"-D{name}={value}")


def _words(words: Iterable[str]) -> str:
    return " ".join(str(word).replace("$", "$$").replace("#", "\\#") for word in words)


def _digest(texts: Mapping[str, str], files: Iterable[Path]) -> bytes:
    digest = hashlib.sha256()
    for content in (*(text.encode() for text in texts.values()), *map(Path.read_bytes, files)):
        digest.update(hashlib.sha256(content).digest())
    return digest.digest()


def _filled(template: str, values: Mapping[str, str]) -> str:
    text = (_TEMPLATES / template).read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text
