"""Reporters of the command line: a bar on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edgetune.cli.shown import broken, shown
from edgetune.session.reporter import WINDOW, Reporter

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from rich.progress import Progress

SECONDS = 10.0  # between two lines of a phase
NAMED, SAID, LEAST_BAR, MOST_BAR = 12, 60, 4, 40  # columns: of a phase's name, of all but the bar
LEARNING = "learning"  # the phase whose accuracy is that of the last samples


class PlainReporter(Reporter):
    """Notes as lines, and of a phase a line every ten seconds and one at its end.

    Args:
        silent: nothing but warnings is said.
        mute: these neither.
        clock: seconds.
    """

    def __init__(
        self, console: Console, silent: bool = False, mute: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._console, self._clock = console, clock
        self._silent, self._mute = silent, mute
        self._phase, self._begun, self._next, self._ended = "", 0.0, 0.0, False

    def note(self, text: str) -> None:
        if not self._silent:
            self._line(text)

    def warning(self, text: str) -> None:
        self._line(f"Warning: {text}")

    def progress(self, phase: str, done: int, total: int, accuracy: float | None = None) -> None:
        now = self._clock()
        if phase != self._phase:
            self._phase, self._begun, self._next = phase, now, now + SECONDS
            self._ended = False
        said, self._ended = self._ended, done == total  # some tools say their end twice
        if not self._silent and (self._ended and not said or now >= self._next):
            self._next = now + SECONDS
            more = "" if accuracy is None else f", {running_words(phase, done, accuracy)}"
            self._line(f"{phase}: {done:,} of {total:,}{more}")

    def close(self) -> None:
        pass

    def _line(self, text: str) -> None:
        """A note that nobody can read any more, or that a full disk does not take, costs no run."""
        if self._mute:
            return
        if self._console.is_terminal:
            text = broken(text, self._console.width, 2)
        try:
            self._console.print(shown(text), highlight=False, soft_wrap=True)
        except OSError:
            self._silent = self._mute = True


class TerminalReporter(PlainReporter):
    """One bar a phase, in one line; a finished bar stays on the screen."""

    _bars: Progress | None = None

    def progress(self, phase: str, done: int, total: int, accuracy: float | None = None) -> None:
        if self._bars is None and phase == self._phase and done == total:
            return  # some tools say their end twice
        if self._bars is None or phase != self._phase:
            self._begin(phase, total)
        words = "" if accuracy is None else running_words(phase, done, accuracy)
        seconds = self._clock() - self._begun
        self._bars.update(
            self._task, completed=done, accuracy=words, pace=_pace(done, total, seconds)
        )
        if done == total:
            self.close()

    def close(self) -> None:
        if self._bars:
            self._bars.stop()
            self._bars = None

    def _begin(self, phase: str, total: int) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        self.close()
        self._phase, self._begun = phase, self._clock()
        name = phase if len(phase) <= NAMED else f"{phase[:NAMED - 1]}…"
        counts = f"{{task.completed:>{len(str(total))}}}/{{task.total}}"
        self._bars = Progress(
            TextColumn(shown(name)),
            BarColumn(max(LEAST_BAR, min(MOST_BAR, self._console.width - NAMED - SAID))),
            TextColumn(counts), TextColumn("{task.fields[pace]}"),
            TextColumn("{task.fields[accuracy]}"), console=self._console,
        )
        self._task = self._bars.add_task(phase, total=total, accuracy="", pace="")
        self._bars.start()


def running_words(phase: str, done: int, accuracy: float) -> str:
    """The share of right predictions, and of which samples it is: "96.0 % of last 100"."""
    if phase == LEARNING:
        return f"{100 * accuracy:.1f} % of last {min(done, WINDOW)}"
    return f"{100 * accuracy:.1f} % of {done:,}"


def _pace(done: int, total: int, seconds: float) -> str:
    """Samples a second, and the time that is left: "123/s 1:05 left"."""
    if not done or seconds <= 0:
        return ""
    rate = done / seconds
    if done == total:
        return f"{_rate(rate)}/s in {_clock(seconds)}"
    return f"{_rate(rate)}/s {_clock((total - done) / rate)} left"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"
