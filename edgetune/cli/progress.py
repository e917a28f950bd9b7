"""Reporters of the command line: a bar on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from edgetune.cli.shown import broken, shown
from edgetune.printable import printable
from edgetune.session.reporter import WINDOW, LearntSample, Reporter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console
    from rich.progress import Progress

SECONDS = 10.0  # between two lines of a phase
NAMED, SAID, LEAST_BAR, MOST_BAR = 12, 60, 4, 40  # columns: of a name, of all but the bar
MOST_SAMPLES = 8  # of the last, that are shown
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
    """One bar a phase, in one line, and below it while learning the last samples; a finished bar
    stays on the screen."""

    _bars: Progress | None = None

    def __init__(self, console: Console, *given, **facts):
        super().__init__(console, *given, **facts)
        self._samples: deque[LearntSample] = deque(maxlen=MOST_SAMPLES)

    def learnt(self, sample: LearntSample) -> None:
        self._samples.append(sample)

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
        self._samples.clear()
        if self._bars:
            self._bars.stop()
            self._bars = None

    def _below(self) -> str:
        """What stands below the bar."""
        return last_samples(tuple(self._samples), self._console.width)

    def _begin(self, phase: str, total: int) -> None:
        from rich.progress import BarColumn, TextColumn

        from edgetune.cli.bars import Bars

        first = tuple(self._samples)  # told before the phase's first step
        self.close()
        self._samples.extend(first)
        self._phase, self._begun = phase, self._clock()
        name = phase if len(phase) <= NAMED else f"{phase[:NAMED - 1]}…"
        counts = f"{{task.completed:>{len(str(total))}}}/{{task.total}}"
        self._bars = Bars(
            self._below, TextColumn(shown(name)),
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


def last_samples(samples: Sequence[LearntSample], width: int) -> str:
    """As many of the last as a line of ``width`` columns holds, the newest at its end: "Last: 3 as
    3 right 0.02, 5 as 3 wrong 2.31", of other targets than classes "Last losses: 0.31, 0.24"."""
    for first in range(len(samples)):
        some = samples[first:]
        if some[-1].expected:
            line = "Last: " + ", ".join(map(_sample_words, some))
        else:
            line = "Last losses: " + ", ".join(f"{one.loss:.3g}" for one in some)
        if len(line) <= width:
            return line
    return ""


def _sample_words(sample: LearntSample) -> str:
    expected, predicted = (
        name if len(name) <= NAMED else f"{name[:NAMED - 1]}…"
        for name in map(printable, (sample.expected, sample.predicted))
    )
    worth = "right" if sample.right else "wrong"
    return f"{expected} as {predicted} {worth} {sample.loss:.2f}"


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
