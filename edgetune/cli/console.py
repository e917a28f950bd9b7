"""The terminal by rich, imported with the first line that is printed."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from edgetune.cli.plain import WIDTH

__all__ = ["Table", "console_of"]


class _Console(Console):
    """Leaves a reader that went away to the command, which then ends well; rich would end the
    process with status 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console_of(file) -> Console:
    """That writes to ``file``."""
    console = _Console(file=file)
    if not console.is_terminal:
        console = _Console(file=file, width=WIDTH)
    return console
