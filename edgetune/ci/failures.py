"""Failures of a learning test, in words; and the bound on what it may take."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps

import pytest

from edgetune.errors import EdgetuneError
from edgetune.printable import printable

ENDS = (signal.SIGTERM, signal.SIGHUP)
AGAIN_SECONDS = 30.0  # Python drops an exception that is raised while an object is deleted


class TimeIsUp(BaseException):
    """Not an Exception, so that nothing on the way takes it for an error of its own."""


def fail(what: str, found: str, wanted: str, next_step: str) -> None:
    """Ends the test: ``what`` is wrong, the figure ``found``, the one ``wanted``, what to do."""
    __tracebackhide__ = True
    raise pytest.fail.Exception(
        f"{what}\n  Found:  {found}\n  Wanted: {wanted}\n  Next:   {next_step}"
    )


def as_text(error: EdgetuneError) -> str:
    """Message, cause and next step, a line each."""
    parts = {"  Cause:  ": error.cause, "  Next:   ": error.next_step}
    lines = [f"{head}{text}" for head, text in parts.items() if text]
    text = "\n".join(line.replace("\n", "\n    ") for line in [str(error.message), *lines])
    return printable(text)


def guarded(method):
    """A method of a device under test whose errors end the test as a failure that says all.

    The object has ``label`` (its name in messages), ``seconds_left()`` and ``late()``, the text
    for a test that takes too long.
    """

    @wraps(method)
    def call(self, *args, **settings):
        __tracebackhide__ = True
        try:
            with heeded(), at_most(self.seconds_left()):
                return method(self, *args, **settings)
        except EdgetuneError as error:
            text = f"{self.label}: {as_text(error)}"
        except TimeIsUp:
            text = self.late()
        raise pytest.fail.Exception(text)

    return call


@contextmanager
def heeded() -> Iterator[None]:
    """To be told to end, or to lose the terminal, is like Ctrl-C meanwhile: emulators and
    compilers, which have sessions of their own, end as well. Other people's handlers stay."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = [one for one in ENDS if signal.getsignal(one) is signal.SIG_DFL]
    for one in signals:
        signal.signal(one, signal.default_int_handler)
    try:
        yield
    finally:
        for one in signals:
            signal.signal(one, signal.SIG_DFL)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """TimeIsUp in what runs longer than ``seconds``, wherever it waits.

    By the alarm signal, which only the main thread can take; elsewhere only the bounds of the
    link and of the build hold.  An earlier alarm of somebody else is left to go off.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    (others, interval), began = signal.getitimer(signal.ITIMER_REAL), time.monotonic()
    if 0 < others <= seconds:
        yield
        return
    handler = signal.signal(signal.SIGALRM, _time_is_up)
    try:
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-6), AGAIN_SECONDS)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if others:
            left = others - (time.monotonic() - began)
            signal.setitimer(signal.ITIMER_REAL, max(left, 1e-6), interval)


def _time_is_up(signum, frame):
    raise TimeIsUp
