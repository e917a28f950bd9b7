"""How long to wait for a device, and when to ask it again."""

import time


class Patience:
    """Deadline and nudges of one wait.

    A nudge is a small message that asks a silent device where it stands. Nudges come ever more
    rarely and end after ``MOST``, because they fill the device's ring while it computes; any sign
    of life shows that it emptied the ring, and starts them afresh.

    Args:
        timeout: seconds without progress before the wait has failed.
        first: seconds of silence before the first nudge; each further pause is three times longer.
    """

    MOST = 6

    def __init__(self, timeout: float, first: float):
        self.timeout = timeout
        self._first = first
        self.progress()

    def progress(self) -> None:
        """What was waited for has come."""
        self._deadline = time.monotonic() + self.timeout
        self._next = time.monotonic() + self._first
        self.heard()

    def heard(self) -> None:
        """A sign of life has come."""
        self._pause = self._first
        self._nudges = 0
        self._next = min(self._next, time.monotonic() + self._pause)

    def expired(self) -> bool:
        return time.monotonic() >= self._deadline

    def left(self) -> float:
        """Seconds until there is something to do, at least one millisecond."""
        until = self._deadline if self._nudges >= self.MOST else min(self._next, self._deadline)
        return max(until - time.monotonic(), 0.001)

    def nudge(self) -> bool:
        """Whether to nudge now; True counts as done."""
        if self._nudges >= self.MOST or time.monotonic() < self._next:
            return False
        self._nudges += 1
        self._pause *= 3
        self._next = time.monotonic() + self._pause
        return True
