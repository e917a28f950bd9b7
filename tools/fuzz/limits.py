"""Bounds on the time and memory that one file may cost, and what it did cost."""

from __future__ import annotations

import faulthandler
import resource
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

SECONDS = 2.0  # of processor time, so that a busy computer changes nothing
MEGABYTES = 500
STUCK = 120  # seconds after which a process that does not return to Python is ended


class TooSlow(BaseException):
    """The time is up.  No handler of ordinary errors can swallow it."""


def limit_memory() -> None:
    """From now on this process may take ``MEGABYTES`` more than it has."""
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[0])
    bound = pages * resource.getpagesize() + (MEGABYTES << 20)
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))


@contextmanager
def limit_time(seconds: float = SECONDS) -> Iterator[None]:
    """Raises TooSlow once the block has used ``seconds`` of processor time."""

    def stop(signal_number, frame):
        raise TooSlow(f"more than {seconds:g} s of processor time")

    before = signal.signal(signal.SIGPROF, stop)
    faulthandler.dump_traceback_later(STUCK, exit=True)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGPROF, before)


@dataclass
class Judgement:
    """``outcome`` as ``examine`` says it; ``failure`` and ``where`` are empty if all is well.

    ``seconds`` of processor time; ``megabytes`` that the process grew to by then.
    """

    outcome: str
    failure: str = ""
    where: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0


def judge(function: Callable[[bytes], str], content: bytes) -> Judgement:
    """Calls ``function`` within the time; warnings of numpy count as failures."""
    start = time.process_time()
    try:
        with warnings.catch_warnings(), limit_time():
            warnings.simplefilter("error")
            result = Judgement(function(content))
    except (Exception, TooSlow) as error:  # that nothing else comes is what is tested here
        failure = f"{type(error).__name__}: {error}"
        result = Judgement("failed", failure[:300], _last_line(error))
    result.seconds = time.process_time() - start
    return result


def _last_line(error: BaseException) -> str:
    """The line of the project that the error came from."""
    where, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if "edgetune" in code.co_filename.rpartition("/tools/")[2]:
            where = f"{'/'.join(code.co_filename.split('/')[-2:])}:{trace.tb_lineno}"
        trace = trace.tb_next
    return where
