"""The board whose ports a new one takes over: port sources, UART, clock, counter."""

from __future__ import annotations

import os.path

from edgetune.boards.board import Board
from edgetune.boards.loader import list_boards, load_board, read_board_file
from edgetune.dataclass import dataclass
from edgetune.packs import Part


@dataclass(frozen=True)
class Relative:
    """``data``: its board.toml. ``family``: its chip is of the part's family, so that registers
    lie at the same addresses; of another board only the drivers can be used."""

    board: Board
    data: dict
    family: bool

    @property
    def name(self) -> str:
        return self.board.name

    def of_line(self, part: Part) -> bool:
        """Whether its chip is of the part's subfamily, where a small x stands for any letter."""
        chip, line = self.board.chip, part.line or part.name
        return len(chip) >= len(line) and all(
            a.lower() == b.lower() or b == "x" for a, b in zip(chip, line, strict=False)
        )


def find_relative(part: Part, core: str, like: str | None) -> Relative | None:
    """The board called ``like``, else the nearest of the part's family; None if there is none.

    Raises:
        UsageError: no board is called ``like``.
    """
    board = load_board(like) if like else propose(part, core)
    if board is None:
        return None
    return Relative(board, read_board_file(board.folder), of_family(board, part, core))


def propose(part: Part, core: str) -> Board | None:
    """Of the boards with a chip of the part's family the one whose chip's name agrees longest;
    of several the fastest that the part can keep up with."""
    family = [b for b in map(load_board, list_boards()) if of_family(b, part, core)]
    return max(family, key=lambda board: _nearness(board, part), default=None)


def of_family(board: Board, part: Part, core: str) -> bool:
    """Whether both have the same core and the family's name, as "STM32F4" of "STM32F4 Series"."""
    chip, series = board.chip.lower(), part.family.lower().partition(" ")[0]
    same = part.name.lower().startswith(chip) or (len(series) > 2 and chip.startswith(series))
    return same and board.core.name == core


def _nearness(board: Board, part: Part) -> tuple:
    common = os.path.commonprefix([board.chip.lower(), part.name.lower()])
    hz = board.clock["hz"]
    fits = part.clock_hz is None or hz <= part.clock_hz
    return len(common), fits, hz if fits else -hz
