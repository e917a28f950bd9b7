"""Which kind of source a path is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edgetune.data import arrays, function, images, npy, npz, sounds, table
from edgetune.data.class_folders import no_files, train_and_test, visible
from edgetune.data.several_inputs import listed
from edgetune.data.source import Request, Source, missing
from edgetune.errors import DataError, UsageError

KINDS = (
    ".npz, .npy, .csv and .tsv files, a folder of images or of WAV files for each class, and "
    "module:function"
)


def open_source(request: Request) -> tuple[Source, Source | None]:
    """The samples that ``request`` names, and a test set where the file has one of its own.

    Raises:
        DataError: the data is missing, damaged or of no known kind.
        UsageError: an option does not go with this kind of data.
    """
    if request.arrays is not None:
        _check_options(request, "arrays")
        return arrays.read(request.arrays, request)
    path = request.file
    if path.is_dir():
        kind, source = "a folder", _folder(path)
    elif function.NAMED.fullmatch(request.path) and not path.exists():
        kind, source = "a function", function.read
    else:
        kind, source = _file(path)
    _check_options(request, kind)
    if kind == "a folder" and request.several:
        raise DataError(
            f"{path} is a folder: its files are samples of one input.", listed(request.inputs),
            "Save an .npz with an array for each input, or write a function that gives them.",
        )
    opened = source(request)
    return opened if isinstance(opened, tuple) else (opened, None)


def _file(path: Path):
    kinds = {".npz": npz.read, ".npy": npy.read, ".csv": table.read, ".tsv": table.read}
    suffix = path.suffix.lower()
    if suffix in kinds:
        return suffix, kinds[suffix]
    if not path.exists():
        raise missing(path)
    raise DataError(
        f"{path} is of no kind that is known.", f"These are: {KINDS}.", "Convert it to one of them."
    )


def _folder(path: Path):
    """By the first image or sound in it or in its class folders; or by those of the folders
    train and test in it."""
    if parts := train_and_test(path):
        reader = _folder(parts[0])
        return lambda request: (
            reader(replace(request, path=str(parts[0]))),
            reader(replace(request, path=str(parts[1]))),
        )
    files = (f for p in visible(path) for f in (visible(p) if p.is_dir() else [p]))
    for file in files:
        for reader in (images, sounds):
            if file.suffix.lower() in reader.SUFFIXES:
                return reader.read
    raise no_files(path, images.SUFFIXES + sounds.SUFFIXES)


def _check_options(request: Request, kind: str):
    """UsageError for an option that would be passed over."""
    given = {
        "--labels": (request.labels, (".npy",)),
        "--label-column": (request.label_column, (".csv", ".tsv")),
        "--part": (request.part, (".npz",)),
        "--frame": (request.said.frame, ("a folder",)),
        "--window": (request.said.window, (".csv", ".tsv")),
        "--features": (request.said.features, ("a folder",)),
    }
    for option, (value, kinds) in given.items():
        if value is not None and kind not in kinds:
            raise UsageError(
                f"{option} does not go with {request.path}.",
                f"It is for {' and '.join(kinds)}; this is {kind}.",
                f"Leave {option} out.",
            )
