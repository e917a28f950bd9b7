"""Records of 32-bit words: dataclasses that the engine keeps as structs of the same members.

A field is a u32, an i32 (`signed`) or another such dataclass (`record`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, fields
from typing import Any

import numpy as np

U32, I32 = np.dtype("<u4"), np.dtype("<i4")


def signed() -> Any:
    """A field of a word that can be negative."""
    return field(default=0, metadata={"dtype": I32})


def record(kind: type) -> Any:
    """A field that holds a record of ``kind``."""
    return field(default_factory=kind, metadata={"dtype": words_type(kind)})


def words_type(kind: type) -> np.dtype:
    """A record of ``kind`` as the engine's struct."""
    return np.dtype([(f.name, f.metadata.get("dtype", U32)) for f in fields(kind)])


def words_of(kept: Any) -> Iterator[int]:
    """The words of a record in their order."""
    for value in vars(kept).values():
        yield from (value,) if isinstance(value, int) else words_of(value)


def store(kept: Any, words: Any) -> None:
    """Put a record into ``words``, of its type."""
    for name, value in vars(kept).items():
        if isinstance(value, int):
            words[name] = value
        else:
            store(value, words[name])


def load(kept: Any, words: Any) -> None:
    """Take a record over from ``words``, of its type."""
    for name, value in vars(kept).items():
        if isinstance(value, int):
            setattr(kept, name, int(words[name]))
        else:
            load(value, words[name])
