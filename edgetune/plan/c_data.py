"""C types as the 32-bit Arm ABI lays them out, and constant objects of these types.

A description gives size, offsets and text of the same C.  Source of the layout: AAPCS32, sections
5.1 (fundamental types: 4-byte pointers, natural alignment) and 5.3 (composite types).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Union

import numpy as np

from edgetune.dataclass import dataclass

WORD = 4  # what the linker aligns constant objects to


def padded(size: int, alignment: int) -> int:
    """``size`` bytes up to the next multiple of ``alignment``."""
    return size + -size % alignment


@dataclass(frozen=True)
class Scalar:
    """An integer type of ``size`` bytes."""

    name: str
    size: int

    @property
    def alignment(self) -> int:
        return self.size


@dataclass(frozen=True)
class Pointer:
    """A pointer to ``target``, a type's name with its qualifiers."""

    target: str
    size = alignment = 4

    @property
    def name(self) -> str:
        return f"{self.target} *"


@dataclass(frozen=True)
class Array:
    """``count`` items in a row."""

    item: CType
    count: int

    @property
    def size(self) -> int:
        return self.item.size * self.count

    @property
    def alignment(self) -> int:
        return self.item.alignment


@dataclass(frozen=True)
class Struct:
    """A struct type; ``members``: (name, type) in order."""

    name: str
    members: tuple[tuple[str, CType], ...]

    @cached_property
    def offsets(self) -> dict[str, int]:
        """Name of a member -> its byte."""
        offsets, at = {}, 0
        for name, member in self.members:
            offsets[name] = padded(at, member.alignment)
            at = offsets[name] + member.size
        return offsets

    @property
    def alignment(self) -> int:
        return max(member.alignment for _, member in self.members)

    @property
    def size(self) -> int:
        last, member = self.members[-1]
        return padded(self.offsets[last] + member.size, self.alignment)


CType = Union[Scalar, Pointer, Array, Struct]

SCALARS = {
    name: Scalar(f"{name}_t", np.dtype(name).itemsize)
    for name in ("int8", "uint8", "int16", "uint16", "int32", "uint32")
}  # by numpy's names


def struct(name: str, *declarations: tuple[CType, str]) -> Struct:
    """A Struct written as C declares it: (type, "name name ...") each."""
    return Struct(name, tuple(
        (member, ctype) for ctype, names in declarations for member in names.split()
    ))


@dataclass(frozen=True)
class CObject:
    """A constant with static storage.

    ``value``: a sequence for an array; for a struct a dict by member or a tuple, in the order
    of its members; an integer or an address, as C writes it, for the rest.  ``note``: what a
    reader of the C should know.

    Raises:
        ValueError: the value has not the members or the length of its type.
    """

    name: str
    ctype: CType
    value: Any
    note: str = ""

    def __post_init__(self):
        _check(self.name, self.ctype, self.value)

    @property
    def size(self) -> int:
        """Bytes, the padding up to the next object not counted."""
        return self.ctype.size


def array_object(name: str, values: np.ndarray, note: str = "") -> CObject:
    """A one-dimensional array, its item type taken from the numpy array."""
    return CObject(name, Array(SCALARS[values.dtype.name], values.size), values.reshape(-1), note)


def flash_bytes(objects: Iterable[CObject]) -> int:
    """Bytes that constant objects take in flash, each padded to a word."""
    return sum(padded(constant.size, WORD) for constant in objects)


def _check(name: str, ctype: CType, value: Any) -> None:
    if isinstance(ctype, Struct):
        names = [member for member, _ in ctype.members]
        if list(value) != names if isinstance(value, dict) else len(value) != len(names):
            raise ValueError(f"{name} is a {ctype.name} of {names}, not {value}")
        parts = value.values() if isinstance(value, dict) else value
        for (member, part), item in zip(ctype.members, parts):
            _check(f"{name}.{member}", part, item)
    elif isinstance(ctype, Array):
        if len(value) != ctype.count:
            raise ValueError(f"{name} has {len(value)} items, its type {ctype.count}")
        if isinstance(ctype.item, Struct):
            for item in value:
                _check(name, ctype.item, item)
