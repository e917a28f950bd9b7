"""Whether this computer has what a run needs, asked before anything is written."""

from __future__ import annotations

from pathlib import Path

from edgetune.boards import Board
from edgetune.build.toolchain import find_cross_gcc, find_host_cc, find_make
from edgetune.device.qemu import QemuDevice, find_qemu
from edgetune.device.renode import RenodeDevice, find_renode
from edgetune.device.select import needs_native

_EMULATORS = {"qemu": (QemuDevice, find_qemu), "renode": (RenodeDevice, find_renode)}


def check_build_tools(native: bool) -> None:
    """Raises ToolchainError where make or the compiler is missing.

    Args:
        native: for this computer instead of a board.
    """
    find_make()
    find_host_cc() if native else find_cross_gcc()


def check_tools(device: str, board: Board) -> None:
    """Asks for all that a build for ``device``, a resolved one, and its emulator take.

    Raises:
        DeviceNotFoundError: the emulator does not know the board.
        ToolchainError: a compiler, make or the emulator is missing.
        UsageError: the board's own platform for the emulator is missing.
    """
    if device in _EMULATORS:
        kind, find = _EMULATORS[device]
        kind(board, Path())  # refuses a board that it does not know; starts nothing
        find()
    check_build_tools(needs_native(device))
