"""``.npz`` archives: ``tune_x, tune_y, test_x, test_y``, or ``x, y``, or a set by its name; Keras'
``x_train, y_train, x_test, y_test`` stand for the first four."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from edgetune.data.declaration import Declaration
from edgetune.data.raw_array import RawArray, cut_short, read_header
from edgetune.data.several_inputs import Joined, array_names, listed, numbered_names
from edgetune.data.source import Request, Source, missing
from edgetune.errors import DataError
from edgetune.files import check_regular
from edgetune.model.graph import Tensor
from edgetune.model.inputs import signature_name

DECLARED = "scale", "offset"
_KERAS = {"tune_x": "x_train", "tune_y": "y_train", "test_x": "x_test", "test_y": "y_test"}
MOST_DECLARED = 1 << 16  # channels
_LOCAL_HEADER = 30  # bytes before a member's name; name's and extra's lengths at 26 and 28


def read(request: Request) -> tuple[Source, Source | None]:
    """The samples, and the test set where the archive has one of its own."""
    return sets_of(_read(request), request)


def sets_of(stored: dict, request: Request) -> tuple[Source, Source | None]:
    """The set, or both, of arrays by their names; see `read`."""
    names = _keras_names(stored)
    stored = stored | {ours: stored[theirs] for ours, theirs in names.items()}
    found = _sets_of(stored, request)
    for source in found:
        if source is not None and names:
            source.x_name = names.get(source.x_name, source.x_name)
            source.y_name = names.get(source.y_name, source.y_name)
    return found


def _keras_names(held: Mapping | Sequence) -> dict[str, str]:
    """Our names of arrays -> those that Keras' data sets have for them, where these are held."""
    if "x_train" not in held or "tune_x" in held or "x" in held:
        return {}
    names = _KERAS if "x_test" in held else {"x": "x_train", "y": "y_train"}
    return {ours: theirs for ours, theirs in names.items() if theirs in held}


def _sets_of(stored: dict, request: Request) -> tuple[Source, Source | None]:
    if request.part:
        return _source(stored, f"{request.part}_", request), None
    if request.takes_labels and _holds_both(stored, request.inputs, request.needs_labels):
        return _source(stored, "tune_", request), _source(stored, "test_", request)
    if not request.takes_labels and array_names(stored, "tune_", request.inputs):
        return _source(stored, "tune_", request), None
    return _source(stored, "", request), None


def has_test_set(path: Path, inputs: Sequence[Tensor] = ()) -> bool:
    """Whether ``path`` is an archive with a tuning and a test set of its own.

    Args:
        inputs: the model's.
    """
    if path.suffix.lower() != ".npz" or not path.is_file() or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        held = [name.removesuffix(".npy") for name in archive.namelist()]
        return _holds_both([*held, *_keras_names(held)], inputs, labels=True)


def _holds_both(held: Mapping | Sequence, inputs: Sequence[Tensor], labels: bool) -> bool:
    """Whether there are a set to tune on and one to test on, with labels if there must be."""
    return all(
        array_names(held, prefix, inputs) and (f"{prefix}y" in held or not labels)
        for prefix in ("tune_", "test_")
    )


def _source(stored: dict, prefix: str, request: Request) -> Source:
    names, y_name = array_names(stored, prefix, request.inputs), f"{prefix}y"
    if not names or (request.needs_labels and y_name not in stored):
        raise _lacks(stored, prefix, request)
    arrays = [_samples(stored[name], name) for name in names]
    x, x_name = arrays[0], names[0]
    if len(names) > 1:
        x, x_name = Joined(arrays, names), ", ".join(names)
    labelled = request.takes_labels and y_name in stored
    y = np.asarray(_samples(stored[y_name], y_name)[:]) if labelled else None
    return Source(x, y, x_name, y_name, _declared(stored))


def _lacks(stored: dict, prefix: str, request: Request) -> DataError:
    """The error for a set that is not there, or only in parts."""
    inputs, holds = request.inputs, f"It holds: {', '.join(stored) or 'nothing'}."
    save = ("Save tune_x, tune_y, test_x and test_y, or x and y and give --split 0.8; "
            "--part NAME takes NAME_x and NAME_y.")
    if request.several:
        holds, names = f"{listed(inputs)} {holds}", ", ".join(f"tune_{t.name}" for t in inputs)
        save = (f"Save {names} and tune_y, the same with test_; or all without tune_, and give "
                f"--split 0.8. {', '.join(numbered_names('tune_', inputs))} do as well.")
    return DataError(
        f"{request.path} lacks {', '.join(_absent(stored, prefix, request))}.", holds, save
    )


def _absent(stored: dict, prefix: str, request: Request) -> list[str]:
    """What a set needs and the archive has not; of both sets, where it has none by any name."""
    labels = ["y"] * request.needs_labels
    names = [*([t.name for t in request.inputs] if request.several else ["x"]), *labels]
    if prefix and not request.several:
        return [prefix + name for name in names]
    prefixes = [prefix] if prefix else ["tune_", "test_"]
    if request.several and not prefix and any(name in stored for name in names):
        prefixes = [""]
    return [n for n in (p + name for p in prefixes for name in names) if n not in stored]


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
    for name in DECLARED:
        value = stored.get(name)
        if value is not None:
            values[name] = np.asarray(value).tolist()
    return Declaration(**values)


def _read(request: Request) -> dict:
    """The arrays that concern us, and an empty entry for every other key."""
    path = request.file
    inputs = request.inputs
    names = ["x", "y", *(signature_name(t.name) for t in inputs), *numbered_names("", inputs)]
    prefixes = "", "tune_", "test_", f"{request.part}_"
    used = {*DECLARED, *_KERAS.values(), *(prefix + name for prefix in prefixes for name in names)}
    try:
        with np.load(check_regular(path), allow_pickle=False) as archive:
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
    if key in DECLARED and math.prod(shape) > MOST_DECLARED:
        raise DataError(
            f"{key} in {path} has {math.prod(shape):,} numbers.", "It is one, or one a channel.",
            f"Save {key} with no more than {MOST_DECLARED:,} numbers.",
        )
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
