"""What goes into a file or a pipe, as rich writes it there: rich takes a while to import."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TextIO

from edgetune.printable import printable

WIDTH = 160  # columns where there is no terminal to ask
GAP = 2  # blanks between columns of a table
TERMINALS = ("FORCE_COLOR", "TTY_COMPATIBLE", "JPY_PARENT_PID")  # variables that rich heeds
TAB = 8


class Plain:
    """Writes to ``file``, which is no terminal."""

    is_terminal, width = False, WIDTH

    def __init__(self, file: TextIO):
        self._file = file

    def print(self, text: str) -> None:
        """A line, as long as it is."""
        try:
            self._file.write(printable(text).expandtabs(TAB) + "\n")
            self._file.flush()
        except BrokenPipeError:  # with its number click would end the process with status 1
            raise BrokenPipeError from None

    def table(self, columns: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
        """The cells of each column, its header first; some columns stand on the ``right``."""
        sizes = [max(map(len, cells)) for cells in columns]
        for row in zip(*columns):
            cells = zip(row, sizes, right)
            line = (cell.rjust(size) if on else cell.ljust(size) for cell, size, on in cells)
            self.print((" " * GAP).join(line))


def is_plain(file: TextIO) -> bool:
    """Whether rich would find no terminal behind ``file``."""
    return not file.isatty() and not any(name in os.environ for name in TERMINALS)


def fits(columns: Sequence[Sequence[str]]) -> bool:
    """Whether a table needs no more than `Plain` can: a line a row, a character a column."""
    width = sum(max(map(len, cells)) + GAP for cells in columns) - GAP
    return width <= WIDTH and all(
        cell.isascii() and cell.isprintable() for cells in columns for cell in cells
    )
