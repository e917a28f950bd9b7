"""The one interface of all flashers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from edgetune.boards import Board
from edgetune.dataclass import dataclass
from edgetune.flash.image import FlashImage

Progress = Callable[[int, int], None]  # bytes written, bytes in all


def no_progress(done: int, total: int) -> None:
    """For callers that show none."""


@dataclass(frozen=True)
class Written:
    """What was done. ``probe``: its id, or where the board was reached; "" where a tool chose.

    ``verified``: the tool read the board's memory back and found it equal to the image.
    """

    tool: str
    probe: str
    bytes: int
    verified: bool


class Flasher(ABC):
    """Writes images to one board through one probe.

    ``probe``: the id of a debug probe as the tool knows it; None where there is only one.
    """

    name = ""
    probe_kinds: tuple[str, ...] = ()  # of `usb_probes` that this flasher can choose by id

    def __init__(self, board: Board, probe: str | None = None):
        self.board = board
        self.probe = probe

    @property
    def facts(self) -> dict:
        """The board's table [flasher.NAME]."""
        return self.board.flasher.get(self.name, {})

    @abstractmethod
    def check(self) -> None:
        """Whether the tool itself is there; asked before anything is built.

        Raises:
            ToolchainError: the tool is missing.
        """

    @abstractmethod
    def write(self, image: FlashImage, progress: Progress = no_progress) -> Written:
        """Erase, write, verify, and start the firmware.

        Raises:
            DeviceNotFoundError: no probe, several of them, no permission, or no chip behind it.
            ToolchainError: the tool is missing or failed, or the chip refused or differs.
        """
