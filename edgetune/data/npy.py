"""``.npy`` pairs: samples in one file, labels in another."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from edgetune.data.raw_array import RawArray, cut_short, read_header
from edgetune.data.source import Request, Samples, Source, missing
from edgetune.errors import DataError, UsageError
from edgetune.files import check_regular


def read(request: Request) -> Source:
    """The samples of ``request.path``, one a row, and the labels of ``request.labels``."""
    path = request.file
    x = _open(path, request.memory)
    if not request.takes_labels or (request.labels is None and not request.needs_labels):
        return Source(x, None, path.name)
    if request.labels is None:
        raise UsageError(
            f"{path} holds samples: where are their labels?",
            "An .npy file holds one array.",
            "Give the labels' file too: --labels y.npy (--test-labels for --test-data).",
        )
    labels = Path(request.labels)
    return Source(x, np.asarray(_open(labels, request.memory)[:]), path.name, labels.name)


def _open(path: Path, memory: int) -> Samples:
    """The array of a file: loaded, or read by row where it takes more than ``memory`` bytes."""
    try:
        file = open(check_regular(path), "rb")
    except FileNotFoundError:
        raise missing(path) from None
    except OSError as error:
        raise _unreadable(path, error) from None
    try:
        return _array(file, path, memory)
    except (OSError, ValueError, EOFError, TypeError, OverflowError) as error:
        raise _unreadable(path, error) from error


def _array(file, path: Path, memory: int) -> Samples:
    shape, fortran, dtype = read_header(file)
    if not shape or 0 in shape:
        raise DataError(f"{path} holds no samples.", f"Its shape is {shape}.", "Save one a row.")
    size, offset = math.prod(shape) * dtype.itemsize, file.tell()
    if path.stat().st_size < offset + size:
        raise cut_short(str(path))
    if size > memory and not fortran:
        return RawArray(file, offset, dtype, shape, str(path))
    if size > memory:
        raise DataError(
            f"{path} is too large to be loaded and cannot be read by row.",
            "It is stored in Fortran order: a sample's values lie all over the file.",
            "Save it in C order, with numpy.ascontiguousarray.",
        )
    file.seek(0)
    with file:
        return np.load(file, allow_pickle=False)


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(
        f"{path} cannot be read as an .npy file of numbers.",
        f"{type(error).__name__}: {error}",
        "Write it with numpy.save from a numeric array; pickled objects are never loaded.",
    )
