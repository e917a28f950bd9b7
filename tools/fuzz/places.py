"""Where in a .tflite file its numbers lie, by what they mean.

The file is walked as the TFLite schema lays it out: tables, their vtables, vectors and scalars.
Every number becomes a ``Place`` of some sort ("shape", "scale", "length", "vtable", ...).
"""

from __future__ import annotations

import struct
from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """``size`` bytes at ``position``; ``real`` where they hold a float."""

    position: int
    size: int
    real: bool = False


@dataclass(frozen=True)
class Scalar:
    sort: str
    size: int


@dataclass(frozen=True)
class Vector:
    sort: str
    size: int
    real: bool = False


@dataclass(frozen=True)
class Child:
    table: str
    many: bool = False


SCHEMA = {  # by the position of the field's entry in the vtable
    "Model": {
        4: Scalar("scalar", 4), 6: Child("OperatorCode", many=True),
        8: Child("SubGraph", many=True), 10: Vector("text", 1), 12: Child("Buffer", many=True),
    },
    "OperatorCode": {
        4: Scalar("operator code", 1), 6: Vector("text", 1), 8: Scalar("scalar", 4),
        10: Scalar("operator code", 4),
    },
    "SubGraph": {
        4: Child("Tensor", many=True), 6: Vector("tensor index", 4),
        8: Vector("tensor index", 4), 10: Child("Operator", many=True), 12: Vector("text", 1),
    },
    "Tensor": {
        4: Vector("shape", 4), 6: Scalar("type", 1), 8: Scalar("buffer index", 4),
        10: Vector("text", 1), 12: Child("Quantization"), 14: Scalar("scalar", 1),
        16: Child("Options"), 18: Vector("shape", 4),
    },
    "Quantization": {
        4: Vector("range", 4, True), 6: Vector("range", 4, True), 8: Vector("scale", 4, True),
        10: Vector("zero point", 8), 12: Scalar("scalar", 1), 14: Child("Options"),
        16: Scalar("axis", 4),
    },
    "Operator": {
        4: Scalar("code index", 4), 6: Vector("tensor index", 4), 8: Vector("tensor index", 4),
        10: Scalar("options type", 1), 12: Child("Options"),
    },
    "Buffer": {4: Vector("data", 4)},
    "Options": {},  # any table: its fields are taken as numbers
}


def places(content: bytes) -> dict[str, list[Place]]:
    """All places of a sound file, by sort."""
    walk = _Walk(content)
    walk.found["root"].append(Place(0, 4))
    walk.table("Model", walk.number(0))
    return dict(walk.found)


class _Walk:
    def __init__(self, content: bytes):
        self.content = content
        self.found: dict[str, list[Place]] = defaultdict(list)

    def number(self, position: int, form: str = "<I") -> int:
        return struct.unpack_from(form, self.content, position)[0]

    def add(self, sort: str, position: int, size: int, real: bool = False) -> None:
        self.found[sort].append(Place(position, size, real))

    def table(self, name: str, position: int) -> None:
        start = position - self.number(position, "<i")
        size = self.number(start, "<H")
        self.add("table", position, 4)
        for entry in range(start, start + size, 2):
            self.add("vtable", entry, 2)
        for slot in range(4, size, 2):
            offset = self.number(start + slot, "<H")
            if offset:
                self.field(name, slot, position + offset)

    def field(self, name: str, slot: int, position: int) -> None:
        what = SCHEMA[name].get(slot)
        if what is None and name == "Options":
            what = Scalar("option", 1 if position % 4 else 4)
        if isinstance(what, Scalar):
            self.add(what.sort, position, what.size)
        elif what is not None:
            self.add("offset", position, 4)
            self.target(what, position + self.number(position))

    def target(self, what: Vector | Child, position: int) -> None:
        if isinstance(what, Child) and not what.many:
            return self.table(what.table, position)
        count = self.number(position)
        self.add("rank" if what == Vector("shape", 4) else "length", position, 4)
        if isinstance(what, Vector):
            step = what.size
            end = position + 4 + count * (1 if what.sort == "data" else step)
            for place in range(position + 4, end - step + 1, step):
                self.add(what.sort, place, step, what.real)
            return None
        for entry in range(position + 4, position + 4 + 4 * count, 4):
            self.add("offset", entry, 4)
            self.table(what.table, entry + self.number(entry))
