"""The rate of a serial line: the device's own, or a faster one that both ends agreed on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from edgetune.boards import BYTE_BITS
from edgetune.errors import LinkError

# Empty pieces at the device's own rate: twice those that end a faster one there.
WAKE = bytes(16)
# Silences and damaged frames, with no request answered between, that end a faster rate here, and
# for how long at least: an answer may be late.
DOUBTS, DOUBT_SECONDS = 4, 2.0
# Seconds without a doubt after which a faster rate that doubts ended is tried again; each further
# time twice as many, as a try costs a few.
QUIET = 60.0
PROOF_BYTES = 4096  # of a message that proves a rate, at most: as long as a sample
PROOF_NUDGE, PROOFS = 0.1, 6  # seconds between its attempts, and its own time; how many there are


class Rated(Protocol):
    """A line whose rate can be changed."""

    @property
    def rates(self) -> Sequence[int]:
        """Bits per second: the device's own, then faster ones to be tried, the best first; empty
        where the line has no rate."""

    def set_rate(self, rate: int) -> bool:
        """Whether this end takes the rate, as far as it knows."""


class LineRate:
    """This end's rate, and what speaks against it.

    Args:
        line: its rate; None where it has none.
        write: sends bytes; its errors are of no interest here.
    """

    def __init__(self, line: Rated | None, write: Callable[[bytes], None]):
        self._write = write
        rates = tuple(line.rates) if line is not None else ()
        self._line = line if rates else None
        self._own = self.now = rates[0] if rates else 0
        self.faster = rates[1:]
        self._doubts, self._since = 0, 0.0
        self.unsure = False  # this end has the device's own rate, and the device perhaps not
        self.changing = False  # the device was asked for a rate that this end has not yet
        self._quiet_since: float | None = None  # where doubts ended a faster rate
        self._quiet = QUIET

    @property
    def raised(self) -> bool:
        """Whether this end has a faster rate than the device's own."""
        return self.now != self._own

    @property
    def preface(self) -> bytes:
        """What comes before a question, so that a device at another rate hears the next."""
        return WAKE if self.unsure and self._line is not None else b""

    @property
    def apart(self) -> bool:
        """Whether the device may have another rate than its own."""
        return self.raised or self.unsure or self.changing

    def doubtful(self, now: float) -> bool:
        """Whether a faster rate is better given up."""
        return self.raised and self._doubts >= DOUBTS and now - self._since >= DOUBT_SECONDS

    def due(self, now: float) -> bool:
        """Whether a faster rate is to be tried again, which is then no more due for a while."""
        if self.raised or self.changing or self._quiet_since is None:
            return False
        if now - self._quiet_since < self._quiet:
            return False
        self._quiet_since, self._quiet = now, 2 * self._quiet
        return True

    def raise_to(self, rate: int) -> bool:
        """This end takes a faster rate; whether it can."""
        self.now, self._doubts, self.unsure, self.changing = rate, 0, False, False
        return self._line is not None and self._line.set_rate(rate)

    def fall(self) -> None:
        """Both ends have the device's own rate again, or the device has it soon."""
        self.now, self._doubts, self.unsure, self.changing = self._own, 0, True, False
        if self._line is None:
            return
        self._line.set_rate(self._own)
        with suppress(OSError, LinkError):
            self._write(WAKE)

    def give_up(self, now: float) -> None:
        """Doubts end a faster rate, for as long as there are any."""
        self.fall()
        self._quiet_since = now

    def end(self) -> None:
        """The session is over: the device has its own rate, and the next may have any."""
        if self.apart:
            self.fall()
        self.unsure = False
        self._quiet_since, self._quiet = None, QUIET

    def doubt(self, now: float) -> None:
        """Silence, or a damaged frame, here or there."""
        if self._quiet_since is not None:
            self._quiet_since = now
        self._since = self._since if self._doubts else now
        self._doubts += 1

    def heard(self) -> None:
        """A whole frame."""
        self.unsure = False

    def answered(self) -> None:
        """A request passed whole, and its reply."""
        self._doubts = 0

    def seconds(self, count: int) -> float:
        """That so many bytes take on the line."""
        return BYTE_BITS * count / self.now if self.now else 0.0
