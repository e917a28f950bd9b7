"""An array inside a file, read sample by sample."""

from __future__ import annotations

import math
import os
from typing import BinaryIO

import numpy as np

from edgetune.data.source import LazySamples
from edgetune.errors import DataError

LONGEST_HEADER = 10_000  # bytes, numpy's own bound
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class RawArray(LazySamples):
    """``shape`` values of ``dtype`` in C order from ``offset`` of ``file`` on.

    It is read, not mapped: a memory limit holds, and a file that is cut while in use ends in an
    error where a mapping would end the process.
    """

    def __init__(self, file: BinaryIO, offset: int, dtype, shape: tuple[int, ...], name: str):
        self.shape, self.dtype, self._name = tuple(shape), np.dtype(dtype), name
        self._file, self._offset = file, offset
        self._bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        self.checked = self.dtype.kind in "iu"

    def sample(self, row: int) -> np.ndarray:
        return self._read(row, 1)[0]

    def __getitem__(self, rows) -> np.ndarray:
        if isinstance(rows, slice) and rows.step in (None, 1):
            start, stop, _ = rows.indices(len(self))
            return self._read(start, max(0, stop - start))
        return super().__getitem__(rows)

    def _read(self, start: int, count: int) -> np.ndarray:
        content = bytearray(count * self._bytes)
        at, view = self._offset + start * self._bytes, memoryview(content)
        while view:
            got = os.preadv(self._file.fileno(), [view], at)
            if got == 0:
                raise cut_short(self._name)
            at, view = at + got, view[got:]
        return np.frombuffer(content, self.dtype).reshape(count, *self.shape[1:])


def read_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether in Fortran order, and type of the .npy that ``file`` stands before.

    Raises:
        ValueError: it is none, or holds Python objects.
    """
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"a header of version {version}")
    _check_length(file, 2 if version == (1, 0) else 4)
    try:
        shape, fortran, dtype = _HEADERS[version](file)
    # numpy reads it as Python text, and a damaged one makes the parser raise nearly anything.
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if any(length < 0 for length in shape):
        raise ValueError(f"a shape of {shape}")
    if dtype.hasobject:
        raise ValueError("Object arrays cannot be loaded when allow_pickle=False")
    return shape, fortran, dtype


def _check_length(file: BinaryIO, width: int) -> None:
    """ValueError of a header that numpy would refuse once it had read all of its gigabytes."""
    at = file.tell()
    length = int.from_bytes(file.read(width), "little")
    if length > LONGEST_HEADER:
        raise ValueError(f"a header of {length:,} bytes")
    file.seek(at)


def cut_short(name: str) -> DataError:
    return DataError(
        f"{name} is cut short.",
        "Its header announces more values than follow.",
        "Write or copy the file again.",
    )
