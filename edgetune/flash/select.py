"""From what the user and the board say to a flasher."""

from __future__ import annotations

import shlex

from edgetune.boards import Board, board_argument
from edgetune.errors import UsageError
from edgetune.flash.base import Flasher
from edgetune.flash.gdb import GdbFlasher
from edgetune.flash.jlink import JLinkFlasher
from edgetune.flash.openocd import OpenocdFlasher
from edgetune.flash.picotool import PicotoolFlasher
from edgetune.flash.pyocd import PyocdFlasher
from edgetune.flash.st_flash import StFlashFlasher
from edgetune.flash.uf2_drive import Uf2Flasher

_KINDS: tuple[type[Flasher], ...] = (
    PyocdFlasher, OpenocdFlasher, StFlashFlasher, JLinkFlasher, Uf2Flasher, PicotoolFlasher,
)  # fmt: skip
TOOLS = {kind.name: kind for kind in _KINDS}
GDB = GdbFlasher.name


def choose_flasher(
    board: Board, tool: str | None = None, probe: str | None = None, gdb: str | None = None
) -> Flasher:
    """The flasher called ``tool``, without one the board's first.

    Args:
        probe: which debug probe, as the tool calls it; for uf2 the drive's folder.
        gdb: "HOST:PORT" of a GDB server, which is then what writes.

    Raises:
        UsageError: no such tool, or the board.toml says nothing of it.
    """
    if gdb or tool == GDB:
        return _gdb(board, tool, probe, gdb)
    name = tool or _default(board)
    if name not in TOOLS:
        raise _unknown(board, name, "edgetune knows no flasher of that name")
    if name not in board.flasher["tools"]:
        raise _unknown(board, name, f"The board.toml of {board.name} does not name it")
    return TOOLS[name](board, probe)


def _gdb(board: Board, tool: str | None, probe: str | None, server: str | None) -> Flasher:
    if tool not in (None, GDB) or probe:
        raise UsageError(
            "--gdb takes neither --probe nor another --tool.",
            "The GDB server has chosen the probe already.",
            f"edgetune flash MODEL --board {shlex.quote(board_argument(board))} --gdb HOST:PORT",
        )
    if not server:
        raise UsageError(
            "GDB needs the address of a server.", "--tool gdb came without --gdb.",
            "Name it: --gdb HOST:PORT",
        )
    return GdbFlasher(board, server)


def _default(board: Board) -> str:
    if board.flasher["tools"]:
        return board.flasher["tools"][0]
    raise UsageError(
        f"edgetune cannot write to {board.title}.",
        f"The board {board.flasher['note']}.",
        "In an emulator it needs no writing: edgetune run. A GDB server can: --gdb HOST:PORT",
    )


def _unknown(board: Board, name: str, why: str) -> UsageError:
    usable = [*board.flasher["tools"], "gdb (with --gdb HOST:PORT)"]
    return UsageError(
        f"{board.title} is not written by '{name}'.", f"{why}.",
        f"Choose one of: {', '.join(usable)}",
    )
