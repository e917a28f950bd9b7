"""The rate of a serial line: the device's own, or a faster one that both ends agreed on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from edgetune.errors import LinkError

# Empty pieces at the device's own rate: twice those that end a faster one there.
WAKE = bytes(16)
DOUBTS = 4  # silences and damaged frames, with no whole frame between, that end a faster rate here
PROOF_SECONDS, PROOF_NUDGE = 0.6, 0.1  # of an exchange that proves a rate; between its attempts


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
        self._doubts = 0
        self.unsure = False  # this end has the device's own rate, and the device perhaps not

    @property
    def raised(self) -> bool:
        """Whether this end has a faster rate than the device's own."""
        return self.now != self._own

    @property
    def preface(self) -> bytes:
        """What comes before a question, so that a device at another rate hears the next."""
        return WAKE if self.unsure and self._line is not None else b""

    @property
    def doubtful(self) -> bool:
        """Whether a faster rate is better given up."""
        return self.raised and self._doubts >= DOUBTS

    def raise_to(self, rate: int) -> bool:
        """This end takes a faster rate; whether it can."""
        self.now, self._doubts, self.unsure = rate, 0, False
        return self._line is not None and self._line.set_rate(rate)

    def fall(self) -> None:
        """Both ends have the device's own rate again, or the device has it soon."""
        self.now, self._doubts, self.unsure = self._own, 0, True
        if self._line is None:
            return
        self._line.set_rate(self._own)
        with suppress(OSError, LinkError):
            self._write(WAKE)

    def doubt(self) -> None:
        """Silence, or a damaged frame."""
        self._doubts += 1

    def heard(self) -> None:
        """A whole frame."""
        self._doubts, self.unsure = 0, False
