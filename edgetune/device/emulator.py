"""What starting any emulator asks first: does it know the board, and is there an image?"""

from __future__ import annotations

from pathlib import Path

from edgetune.boards import Board
from edgetune.errors import DeviceNotFoundError

_TITLES = {"qemu": "QEMU", "renode": "Renode"}


def emulator_facts(board: Board, name: str) -> dict:
    """The table [emulators.``name``] of the board's board.toml.

    Raises:
        DeviceNotFoundError: there is none.
    """
    if name in board.emulators:
        return board.emulators[name]
    raise DeviceNotFoundError(
        f"{board.title} cannot run in {_TITLES[name]}.",
        f"Its board.toml has no table [emulators.{name}].",
        f"Choose one of: {', '.join(['host', *board.emulators])}",
    )


def check_image(elf: Path) -> None:
    """Raises DeviceNotFoundError where ``elf`` is no file."""
    if not elf.is_file():
        raise DeviceNotFoundError(
            "There is no image to run.", f"{elf} does not exist.", "Build it: make"
        )
