"""``.npz`` archives: ``tune_x, tune_y, test_x, test_y``, or ``x, y``, or a set by its name."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import numpy as np

from edgetune.data.declaration import Declaration
from edgetune.data.raw_array import RawArray, cut_short, read_header
from edgetune.data.source import Request, Source, missing
from edgetune.errors import DataError

PARTS = ("tune_x", "tune_y", "test_x", "test_y")
_LOCAL_HEADER = 30  # bytes before a member's name; name's and extra's lengths at 26 and 28


def read(request: Request) -> tuple[Source, Source | None]:
    """The samples, and the test set where the archive has one of its own."""
    stored = _read(request)
    if request.part:
        return _source(stored, f"{request.part}_", request), None
    if request.takes_labels and all(name in stored for name in _parts(request)):
        return _source(stored, "tune_", request), _source(stored, "test_", request)
    if not request.takes_labels and "tune_x" in stored:
        return _source(stored, "tune_", request), None
    return _source(stored, "", request), None


def has_test_set(path: Path) -> bool:
    """Whether ``path`` is an archive with a tuning and a test set of its own."""
    if path.suffix.lower() != ".npz" or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return {f"{name}.npy" for name in PARTS} <= set(archive.namelist())


def _parts(request: Request) -> tuple[str, ...]:
    """What an archive with a test set of its own must hold."""
    return PARTS if request.needs_labels else ("tune_x", "test_x")


def _source(stored: dict, prefix: str, request: Request) -> Source:
    x_name, y_name = f"{prefix}x", f"{prefix}y"
    wanted = [x_name, y_name] if request.needs_labels else [x_name]
    if any(name not in stored for name in wanted):
        absent = wanted if prefix else [n for n in _parts(request) if n not in stored]
        raise DataError(
            f"{request.path} lacks {', '.join(absent)}.",
            f"It holds: {', '.join(stored) or 'nothing'}.",
            "Save tune_x, tune_y, test_x and test_y, or x and y and give --split 0.8; "
            "--part NAME takes NAME_x and NAME_y.",
        )
    x = _samples(stored[x_name], x_name)
    labelled = request.takes_labels and y_name in stored
    y = np.asarray(_samples(stored[y_name], y_name)[:]) if labelled else None
    return Source(x, y, x_name, y_name, _declared(stored))


def _samples(value, name: str):
    if value is None or len(value.shape) == 0:
        raise DataError(
            f"{name} is not an array of samples.", "", f"Save {name} with one row per sample."
        )
    if len(value) == 0:
        raise DataError(f"{name} is empty.", "", "Every set needs at least one sample.")
    return value


def _declared(stored: dict) -> Declaration:
    """The scale and offset that the archive declares, each a number or one a channel."""
    values = {}
    for name in ("scale", "offset"):
        value = stored.get(name)
        if value is not None:
            values[name] = np.asarray(value).tolist()
    return Declaration(**values)


def _read(request: Request) -> dict:
    """The arrays that concern us, and an empty entry for every other key."""
    path = request.file
    used = {*PARTS, "x", "y", "scale", "offset", f"{request.part}_x", f"{request.part}_y"}
    try:
        with np.load(path, allow_pickle=False) as archive:
            large = {key: _large(path, archive.zip, key, request.memory)
                     for key in used.intersection(archive.files)}
            return {
                key: (large[key] or archive[key]) if key in used else None
                for key in archive.files
            }
    except FileNotFoundError:
        raise missing(path) from None
    except DataError:
        raise
    # A damaged archive makes numpy, zipfile and zlib raise nearly anything.
    except Exception as error:
        raise DataError(
            f"{path} cannot be read as an .npz archive of plain arrays.",
            f"{type(error).__name__}: {error}",
            "Write it with numpy.savez_compressed from numeric arrays; "
            "pickled objects are never loaded.",
        ) from error


def _large(path: Path, archive: zipfile.ZipFile, key: str, memory: int) -> RawArray | None:
    """The member ``key`` read by row where it takes more than ``memory`` bytes."""
    name = key if key in archive.namelist() else f"{key}.npy"
    member = archive.getinfo(name)
    with archive.open(name) as file:
        shape, fortran, dtype = read_header(file)
        header = file.tell()
    size = math.prod(shape) * dtype.itemsize
    if size > member.file_size - header:
        raise cut_short(f"{key} in {path}")
    if size <= memory:
        return None
    if member.compress_type != zipfile.ZIP_STORED or fortran:
        raise DataError(
            f"{key} in {path} is too large to be loaded and cannot be read by row.",
            "It is compressed, or stored in Fortran order.",
            "Save it with numpy.savez, which does not compress, or as an .npy file.",
        )
    file = open(path, "rb")
    file.seek(member.header_offset)
    local = file.read(_LOCAL_HEADER)
    names = int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
    start = member.header_offset + _LOCAL_HEADER + names + header
    return RawArray(file, start, dtype, shape, f"{key} in {path}")
