"""How long to wait for a device, and when to ask it again."""

import time
from collections.abc import Callable


class Patience:
    """Deadline and nudges of one wait.

    A nudge is a small message that asks a silent device where it stands. Nudges come ever more
    rarely, because they fill the device's ring while it computes; any sign of life shows that it
    emptied the ring, and starts them afresh.

    Args:
        timeout: seconds without progress before the wait has failed.
        first: seconds of silence before the first nudge; each further pause is three times longer.
        clock: seconds, ever more.
    """

    RARELY = 10.0  # seconds, the longest pause unless the first is longer

    def __init__(self, timeout: float, first: float, clock: Callable[[], float] = time.monotonic):
        self.timeout = timeout
        self._first, self._clock = first, clock
        self.progress()

    def progress(self) -> None:
        """What was waited for has come."""
        self._deadline = self._clock() + self.timeout
        self._next = self._clock() + self._first
        self.heard()

    def heard(self) -> None:
        """A sign of life has come."""
        self._pause = self._first
        self._next = min(self._next, self._clock() + self._pause)

    def expired(self, silent: bool) -> bool:
        """Whether to give up.

        What came in time but was not read yet, on a busy computer, still counts: only a read
        that found nothing ends a wait, or a device that talks on for as long again.

        Args:
            silent: whether the last read found nothing.
        """
        late = self._clock() - self._deadline
        return late >= (0 if silent else self.timeout)

    def left(self) -> float:
        """Seconds until there is something to do, at least one millisecond."""
        return max(min(self._next, self._deadline) - self._clock(), 0.001)

    def nudge(self) -> bool:
        """Whether to nudge now; True counts as done."""
        if self._clock() < self._next:
            return False
        self._pause = max(self._first, min(3 * self._pause, self.RARELY))
        self._next = self._clock() + self._pause
        return True
