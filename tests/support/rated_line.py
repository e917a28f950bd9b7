"""A line of two ends that each have a rate: bytes sent at one are heard at the other."""

from __future__ import annotations

import ctypes
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from link_transport import ModelledLine

OWN = 115_200
RATES = (OWN, 1_000_000, 921_600, 460_800, 230_400)
BITS = 10  # of a byte on the line: start, eight, stop


def heard(data: bytes, sent_at: int, rate: Callable[[], int]) -> Iterator[int]:
    """The bytes that a UART of ``rate()`` makes of ``data``, which come at ``sent_at``.

    It begins at a falling edge, looks at the middle of each bit, and takes a byte without a stop
    bit as it is.
    """
    bits = [bit for byte in data for bit in (0, *(byte >> i & 1 for i in range(8)), 1)]
    edges = [i for i, bit in enumerate(bits) if not bit and (i == 0 or bits[i - 1])]
    now = 0.0  # in bits of the sender
    for edge in edges:
        if edge < now:
            continue
        step = sent_at / rate()
        at = [edge + step * (i + 0.5) for i in range(BITS)]
        byte = [bits[int(t)] if t < len(bits) else 1 for t in at]
        now = at[-1]
        if not byte[0]:
            yield sum(bit << i for i, bit in enumerate(byte[1:9]))


class Chip:
    """A server in a library, which can be reset: it is loaded anew."""

    def __init__(self, library: Path, fastest: int):
        self._path, self._fastest = library, fastest
        self._folder = tempfile.TemporaryDirectory()
        self._count = 0
        self.reset()

    def reset(self) -> None:
        self._count += 1
        copy = shutil.copy(self._path, Path(self._folder.name) / f"{self._count}.so")
        self._server = ctypes.CDLL(str(copy))
        ctypes.c_uint32.in_dll(self._server, "port_fastest").value = self._fastest
        self._server.et_model_start(0, 1)

    @property
    def rate(self) -> int:
        return self._word("port_rate")

    def hear(self, data: bytes, sent_at: int) -> list[tuple[int, bytes]]:
        """What it answers: pieces, each with the rate that it is sent at."""
        said = []
        same = sent_at == self.rate
        for byte in [*data] if same else heard(data, sent_at, lambda: self.rate):
            said += self._byte(byte)
            if same and sent_at != self.rate:
                break  # nothing follows what changes the rate
        return said

    def _byte(self, byte: int) -> list[tuple[int, bytes]]:
        rate = self.rate
        count = self._server.port_hear(bytes([byte]), 1)
        before, answer = self._word("port_before"), ctypes.create_string_buffer(count)
        self._server.port_take(answer)
        if rate == self.rate:
            before = 0
        parts = [(rate, answer.raw[:before]), (self.rate, answer.raw[before:])]
        return [part for part in parts if part[1]]

    def _word(self, name: str) -> int:
        return ctypes.c_uint32.in_dll(self._server, name).value


class RatedLine(ModelledLine):
    """To ``chip``, of modelled time.  ``adapter``: the fastest that the host's end takes;
    ``cable``: the fastest at which bytes arrive; ``whole``: the longest message that arrives whole
    at more than the chip's own rate; ``late``: seconds by which the next answer is."""

    def __init__(self, chip: Chip, adapter: int = 1 << 30, cable: int = 1 << 30):
        super().__init__(None)
        self.chip, self.adapter, self.cable = chip, adapter, cable
        self.rates, self.rate = RATES, OWN
        self.whole, self.late = 1 << 30, 0.0
        self.lose = 0  # messages of the device that get lost
        self.asked: list[int] = []
        self._random = random.Random(1)

    def set_rate(self, rate: int) -> bool:
        self.asked.append(rate)
        if rate > self.adapter:
            return False
        self.rate = rate
        return True

    def noise(self, count: int) -> bytes:
        """Bytes that nobody sent; the chip hears them, and what it hears is returned."""
        data = self._random.randbytes(count)
        self._answered(self.chip.hear(data, self.chip.rate), self.now)
        return data

    def write(self, data: bytes) -> None:
        arrived = self._travelled(0, self.now, len(data))
        if self.rate > OWN and len(data) > self.whole:
            data = data[: self.whole] + data[self.whole + 1 :]
        self._answered(self.chip.hear(self._spoilt(data, self.rate), self.rate), arrived)

    def read(self, timeout: float) -> bytes:
        piece = super().read(timeout)
        if not piece:
            return b""
        sent_at = int.from_bytes(piece[:4], "little")
        data = self._spoilt(piece[4:], sent_at)
        return data if sent_at == self.rate else bytes(heard(data, sent_at, lambda: self.rate))

    def _answered(self, said: list[tuple[int, bytes]], begun: float) -> None:
        for rate, data in said:
            if self.lose:
                self.lose -= data.endswith(b"\0")
                continue
            due = self._travelled(1, begun + self.late, len(data))
            self._coming.append((due, rate.to_bytes(4, "little") + data))
        if said:
            self.late = 0.0

    def _spoilt(self, data: bytes, rate: int) -> bytes:
        return data if rate <= self.cable else self._random.randbytes(len(data))

    def _travelled(self, way: int, begun: float, count: int) -> float:
        rate = self.chip.rate if way else self.rate
        self._free[way] = max(begun, self._free[way]) + BITS * count / rate
        return self._free[way]
