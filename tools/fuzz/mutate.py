"""One broken file from a sound one: a few numbers changed, or bytes, or its length."""

from __future__ import annotations

import math
import struct
from random import Random

from tools.fuzz.places import Place

EDGES = (0, 1, 2, 3, 4, 127, 128, 255, 32767, 32768, 65535, 2**28, 2**29, 2**30, 2**31 - 1,
         2**31, 2**32 - 4, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)
REALS = (0.0, -0.0, -1.0, 1.0, 2.0**-20, 1e-45, 1e-38, 1e6, 1e38, 3.4e38, math.nan, math.inf,
         -math.inf)
RUNNING_CODES = (0, 1, 2, 3, 4, 6, 9, 14, 17, 18, 19, 21, 22, 25, 28, 34, 39, 40, 41, 43, 45, 70,
                 77, 83, 98, 114, 117)
RAW = 0.2  # share of changes that do not care what the bytes mean


class Mutator:
    """Broken copies of one file.  The same random numbers give the same copy.

    Args:
        content: a sound file.
        places: its numbers by sort, from ``places``.
    """

    def __init__(self, content: bytes, places: dict[str, list[Place]]):
        self.content, self.places = content, places
        self.sorts = sorted(places)

    def broken(self, random: Random) -> bytes:
        """A copy with one to three changes."""
        copy = bytearray(self.content)
        for _ in range(random.choice((1, 1, 1, 2, 2, 3))):
            if random.random() < RAW:
                random.choice(RAW_CHANGES)(copy, random)
            else:
                self._change(copy, random)
        return bytes(copy)

    def _change(self, copy: bytearray, random: Random) -> None:
        sort = random.choice(self.sorts)
        place = random.choice(self.places[sort])
        if place.position + place.size > len(copy):
            return  # cut off by a change before
        if random.random() < 0.15:
            value = self._another(random.choice(self.places[sort]), place.size)
        else:
            value = _value(sort, place, copy, random)
        copy[place.position : place.position + place.size] = value

    def _another(self, other: Place, size: int) -> bytes:
        """The number that stands at another place of the same sort."""
        return self.content[other.position : other.position + other.size].ljust(size, b"\0")[:size]


def _value(sort: str, place: Place, copy: bytearray, random: Random) -> bytes:
    raw = bytes(copy[place.position : place.position + place.size])
    if place.real or (sort == "option" and place.size == 4 and random.random() < 0.3):
        (now,) = struct.unpack("<f", raw)
        return struct.pack("<f", _real(now, random))
    number = _whole(sort, place, int.from_bytes(raw, "little"), len(copy), random)
    return (number % 256**place.size).to_bytes(place.size, "little")


def _real(now: float, random: Random) -> float:
    if random.random() < 0.3 and math.isfinite(now * 2):
        return now * random.choice((-1.0, 0.5, 2.0, 1.0001))
    return random.choice(REALS)


def _whole(sort: str, place: Place, now: int, length: int, random: Random) -> int:
    choices = [random.choice(EDGES), now + random.choice((-4, -2, -1, 1, 2, 4))]
    choices += [now * 2, random.getrandbits(8 * place.size), -random.randrange(1, 5)]
    if sort in ("offset", "root", "table"):
        here = place.position
        choices += [length - here, length - here - random.randrange(1, 8), length,
                    2**32 - here, 2**32 - here + random.randrange(length),
                    random.randrange(length), now + random.randrange(-16, 16)]
    elif sort == "operator code":
        choices += [random.choice(RUNNING_CODES) for _ in range(6)] + [random.randrange(160)]
    elif sort in ("tensor index", "buffer index", "code index", "type", "options type", "axis"):
        choices += [random.randrange(24) for _ in range(4)]
    elif sort in ("shape", "rank", "length", "option"):
        choices += [random.randrange(9) for _ in range(3)] + [random.randrange(4096)]
    elif sort == "zero point":
        choices += [-128, -129, 127, 128, random.randrange(-128, 128)]
    return random.choice(choices)


def _flip(copy: bytearray, random: Random) -> None:
    if copy:
        copy[random.randrange(len(copy))] ^= 1 << random.randrange(8)


def _byte(copy: bytearray, random: Random) -> None:
    if copy:
        copy[random.randrange(len(copy))] = random.randrange(256)


def _word(copy: bytearray, random: Random) -> None:
    place = random.randrange(max(1, len(copy) - 4))
    copy[place : place + 4] = (random.choice(EDGES) % 2**32).to_bytes(4, "little")


def _insert(copy: bytearray, random: Random) -> None:
    """Everything behind is shifted, and misaligned."""
    place = random.randrange(len(copy) + 1)
    copy[place:place] = bytes(random.randrange(1, 9))


def _delete(copy: bytearray, random: Random) -> None:
    place = random.randrange(len(copy) + 1)
    del copy[place : place + random.randrange(1, 9)]


def _move(copy: bytearray, random: Random) -> None:
    """A stretch from elsewhere."""
    source, place = random.randrange(len(copy) + 1), random.randrange(len(copy) + 1)
    stretch = copy[source : source + random.randrange(1, 64)]
    copy[place : place + len(stretch)] = stretch


def _truncate(copy: bytearray, random: Random) -> None:
    del copy[random.randrange(len(copy) + 1) :]


RAW_CHANGES = (_flip, _flip, _byte, _word, _insert, _delete, _move, _truncate)
