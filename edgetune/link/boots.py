"""What a device says before it answers a HELLO: that it starts, or that it cannot."""

from __future__ import annotations

from collections.abc import Callable

from edgetune.link import errors, replies
from edgetune.link.frames import Frame
from edgetune.link.messages import Notice

READY = b"ready"  # the LOG of a device that has started
ENOUGH = 3  # panics; one or two may be those of an earlier run, still in a port's buffer


class Boots:
    """Counts a device's starts and panics during one wait for its HELLO.

    Args:
        clock: seconds, ever more.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._begun = clock, clock()
        self._panics = self._starts = 0
        self._panic = ""

    def heard(self, frame: Frame) -> None:
        """A frame that is no answer to a HELLO."""
        if frame.type == Notice.PANIC:
            self._panics += 1
            self._panic = errors.panic_words(*replies.panic_place(frame.payload))
        elif frame.type == Notice.LOG and frame.session == 0 and frame.payload == READY:
            self._starts += 1

    def check(self, late: bool) -> None:
        """LinkError where the device cannot start, as far as is known; ``late``: nothing more is
        waited for."""
        seconds = self._clock() - self._begun
        if self._panics >= ENOUGH or (late and self._panics):
            raise errors.boot_loop(self._panics, self._panic, seconds)
        if late and self._starts > 1:
            raise errors.boot_loop(self._starts, "", seconds)
