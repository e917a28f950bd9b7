"""Reporters of the command line: a bar on a terminal, a line every tenth elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgetune.cli.shown import shown
from edgetune.session.reporter import Reporter

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

TENTHS = 10


class PlainReporter(Reporter):
    """Notes as lines, and a line whenever another tenth of a phase is done."""

    def __init__(self, console: Console, silent: bool = False):
        self._console = console
        self._silent = silent

    def note(self, text: str) -> None:
        self._line(text)

    def progress(self, phase: str, done: int, total: int, accuracy: float | None = None) -> None:
        if done == total or done * TENTHS // total > (done - 1) * TENTHS // total:
            self._line(f"{phase}: {done} of {total}{_right(accuracy)}")

    def close(self) -> None:
        pass

    def _line(self, text: str) -> None:
        """A note that nobody can read any more, or that a full disk does not take, costs no run."""
        if not self._silent:
            try:
                self._console.print(shown(text), highlight=False, soft_wrap=True)
            except OSError:
                self._silent = True


class TerminalReporter(PlainReporter):
    """One bar a phase; a finished bar stays on the screen."""

    def __init__(self, console: Console, silent: bool = False):
        super().__init__(console, silent)
        self._bars: Progress | None = None
        self._phase = ""

    def progress(self, phase: str, done: int, total: int, accuracy: float | None = None) -> None:
        if self._bars is None or phase != self._phase:
            self._begin(phase, total)
        self._bars.update(self._task, completed=done, accuracy=_right(accuracy))
        if done == total:
            self.close()

    def close(self) -> None:
        if self._bars:
            self._bars.stop()
            self._bars = None

    def _begin(self, phase: str, total: int) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self.close()
        self._phase = phase
        self._bars = Progress(
            TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[accuracy]}"), TimeRemainingColumn(), console=self._console,
        )
        self._task = self._bars.add_task(phase, total=total, accuracy="")
        self._bars.start()


def _right(accuracy: float | None) -> str:
    return "" if accuracy is None else f", {100 * accuracy:.1f} % right"
