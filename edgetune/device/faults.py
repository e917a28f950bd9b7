"""A line that does harm, between the host and any device: seeded, at a rate that is told."""

from __future__ import annotations

import math
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator

from edgetune.dataclass import dataclass
from edgetune.device.base import Device
from edgetune.device.serial import SerialDevice
from edgetune.errors import UsageError

RATE = 1e-4
MOST_RATE = 0.1
RUN = 64  # bytes that are cut out or come again, at the most
LATE = 0.05  # seconds, at the most


@dataclass(frozen=True)
class FaultRates:
    """``rate``: the chance of each byte, either way, that a fault begins at it; ``resets``: of
    each message of the host that the device starts afresh instead of hearing it."""

    seed: int
    rate: float = RATE
    resets: float = 0.0

    @staticmethod
    def parse(text: str) -> FaultRates:
        """Of ``SEED[:RATE[:RESETS]]``.

        Raises:
            UsageError: it is not of that form, or a rate is not from 0 to 0.1.
        """
        seed, *rates = text.split(":")
        try:
            found = FaultRates(int(seed), *map(float, rates))
        except (ValueError, TypeError):
            raise _unknown(text) from None
        if not (0 <= found.rate <= MOST_RATE and 0 <= found.resets <= MOST_RATE):
            raise _unknown(text)
        return found


def _unknown(text: str) -> UsageError:
    return UsageError(
        f"'{text}' names no faults.",
        f"They are SEED[:RATE[:RESETS]], each rate from 0 to {MOST_RATE:g}.",
        f"For example --faults 1:{RATE:g}",
    )


class Faults:
    """What happens on the lines of one run, over all its connections.

    One line has no other's generator, and neither direction the other's: the same bytes are
    harmed alike, however they come in pieces.
    """

    def __init__(self, rates: FaultRates):
        self.count: Counter[str] = Counter()
        self._rates, self._random = rates, random.Random(f"{rates.seed} resets")
        self._ways = [Harm(f"{rates.seed} {way}", rates.rate, self.count) for way in ("out", "in")]

    def between(self, device: Device, clock: Callable[[], float] = time.monotonic) -> FaultyDevice:
        """``device``, which is open and stays the caller's to close, behind such a line."""
        return FaultyDevice(device, *self._ways, self._resets, clock)

    def _resets(self) -> bool:
        found = self._random.random() < self._rates.resets
        self.count["reset"] += found
        return found

    def __str__(self) -> str:
        told = ", ".join(f"{count:,} {name}" for name, count in sorted(self.count.items()) if count)
        return told or "none"


class Harm:
    """What one direction of a line does to its bytes.

    Bytes between two faults are counted and not drawn one by one, so a good line costs nothing.
    """

    def __init__(self, seed: str, rate: float, count: Counter[str]):
        self._random, self._rate, self._count = random.Random(seed), rate, count
        self._kinds = {
            "flipped": (6, self._flip), "lost": (4, self._lose), "inserted": (3, self._insert),
            "doubled": (3, self._double), "swapped": (2, self._swap), "cut out": (1, self._cut),
            "come again": (1, self._again), "late": (1, self._late),
        }
        self._clear = self._gap()  # bytes until the next fault
        self._gone = 0  # bytes that are still to be lost, to the end of a frame at the most
        self._behind = b""  # what comes after the next byte
        self._recent = b""

    def spoil(self, data: bytes) -> Iterator[tuple[bytes, float]]:
        """What arrives of ``data``, in order, and how many seconds late each piece is."""
        while len(data) > self._clear:
            whole, byte, data = data[: self._clear], data[self._clear], data[self._clear + 1 :]
            yield self._through(whole), 0.0
            self._clear = self._gap()
            yield self._fault(byte)
        self._clear -= len(data)
        yield self._through(data), 0.0

    def _fault(self, byte: int) -> tuple[bytes, float]:
        weights = [weight for weight, _ in self._kinds.values()]
        name = self._random.choices(list(self._kinds), weights)[0]
        self._count[name] += 1
        data, seconds = self._kinds[name][1](byte)
        return self._through(data), seconds

    def _through(self, data: bytes) -> bytes:
        if self._gone:
            data = self._without_cut(data)
        if data and self._behind:
            data, self._behind = data[:1] + self._behind + data[1:], b""
        self._recent = (self._recent + data)[-RUN:]
        return data

    def _without_cut(self, data: bytes) -> bytes:
        lost = data[: self._gone]
        if (end := lost.find(0)) >= 0:
            self._gone = 0
            return data[end + 1 :]
        self._gone -= len(lost)
        return data[len(lost) :]

    def _gap(self) -> int:
        if not self._rate:
            return 1 << 62
        return int(math.log(1.0 - self._random.random()) / math.log1p(-self._rate))

    def _flip(self, byte: int) -> tuple[bytes, float]:
        return bytes([byte ^ 1 << self._random.randrange(8)]), 0.0

    def _lose(self, byte: int) -> tuple[bytes, float]:
        return b"", 0.0

    def _insert(self, byte: int) -> tuple[bytes, float]:
        return bytes([self._random.randrange(256), byte]), 0.0

    def _double(self, byte: int) -> tuple[bytes, float]:
        return bytes([byte, byte]), 0.0

    def _swap(self, byte: int) -> tuple[bytes, float]:
        self._behind += bytes([byte])
        return b"", 0.0

    def _cut(self, byte: int) -> tuple[bytes, float]:
        self._gone += self._random.randrange(RUN)
        return b"", 0.0

    def _again(self, byte: int) -> tuple[bytes, float]:
        return bytes([byte]) + self._recent[-self._random.randrange(1, RUN) :], 0.0

    def _late(self, byte: int) -> tuple[bytes, float]:
        return bytes([byte]), self._random.uniform(0, LATE)


class _Way:
    """Bytes on their way, in order; what is behind late bytes is late too."""

    def __init__(self, clock: Callable[[], float]):
        self._clock, self._due = clock, 0.0
        self._pieces: deque[tuple[float, bytes]] = deque()

    def put(self, data: bytes, seconds: float) -> None:
        self._due = max(self._due, self._clock() + seconds)
        if data:
            self._pieces.append((self._due, data))

    def take(self) -> bytes:
        """All that has arrived."""
        now, found = self._clock(), b""
        while self._pieces and self._pieces[0][0] <= now:
            found += self._pieces.popleft()[1]
        return found

    def left(self) -> float:
        """Seconds until more arrives."""
        return max(self._pieces[0][0] - self._clock(), 0.0) if self._pieces else math.inf


class FaultyDevice(Device):
    """``inner`` behind a line that does harm: see `Faults.between`.

    A device that ``resets`` starts afresh as one whose reset button is pressed; a board on a
    serial port cannot be, by its line alone, and is not.
    """

    def __init__(
        self, inner: Device, out: Harm, back: Harm, resets: Callable[[], bool],
        clock: Callable[[], float],
    ):
        self.name = inner.name
        self._inner, self._clock = inner, clock
        self._harm_out, self._harm_back = out, back
        self._resets = resets
        self._start()

    def _start(self) -> None:
        self._out, self._back = _Way(self._clock), _Way(self._clock)

    def open(self) -> None:
        self._inner.open()

    def close(self) -> None:
        self._inner.close()

    def read(self, timeout: float) -> bytes:
        end = self._clock() + timeout
        while True:
            self._send()
            if data := self._back.take():
                return data
            left = min(end - self._clock(), self._back.left(), self._out.left())
            for piece in self._harm_back.spoil(self._inner.read(max(0.0, left))):
                self._back.put(*piece)
            if self._clock() >= end or not self._inner.alive():
                return self._back.take()

    def write(self, data: bytes) -> None:
        if self._resets() and not isinstance(self._inner, SerialDevice):
            self._inner.close()
            self._inner.open()
            self._start()
            return
        for piece in self._harm_out.spoil(data):
            self._out.put(*piece)
        self._send()

    def alive(self) -> bool:
        return self._inner.alive()

    def diagnosis(self) -> str:
        return self._inner.diagnosis()

    def executed_instructions(self) -> int | None:
        return self._inner.executed_instructions()

    def _send(self) -> None:
        if data := self._out.take():
            self._inner.write(data)
