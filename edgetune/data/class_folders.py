"""Folders with a folder of files for each class."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgetune.data.source import Request
from edgetune.errors import DataError

TRAIN = ("tune", "train", "training")
TEST = ("test", "testing", "val", "valid", "validation")  # the first that is there


def class_files(
    request: Request, suffixes: tuple[str, ...]
) -> tuple[list[Path], np.ndarray | None, list[str]]:
    """The files, each one's class (its folder's name), and sentences about files left out.

    Classes and files are in the order of their names.  Files that begin with a dot are
    passed over; where no labels are needed, files may also lie in the folder itself.
    """
    folders = [path for path in visible(request.file) if path.is_dir()]
    files, labels, others = [], [], 0
    if not request.needs_labels:
        files = _of_kind(request.file, suffixes)
    _check_use(request, bool(files and folders))
    for folder in folders:
        found = _of_kind(folder, suffixes)
        if not found:
            raise DataError(
                f"The class folder {folder} is empty.",
                f"No file in it ends in {', '.join(suffixes)}.",
                "Put the class's files into it, or remove it.",
            )
        others += sum(path.is_file() for path in visible(folder)) - len(found)
        files += found
        labels += [folder.name] * len(found)
    if not files:
        raise no_files(request.file, suffixes)
    warnings = [f"{others} files in {request.path} are of another kind: left out."] * (others > 0)
    return files, np.array(labels) if request.takes_labels and labels else None, warnings


def train_and_test(folder: Path) -> tuple[Path, Path] | None:
    """The two folders of a data set that came divided, by their usual names; None where ``folder``
    is none.  A class may be called so too, if it has no folders in it."""
    names = {path.name.lower(): path for path in visible(folder) if path.is_dir()}
    train = next((names[name] for name in TRAIN if name in names), None)
    test = next((names[name] for name in TEST if name in names), None)
    others = set(names) - {*TRAIN, *TEST}
    if train is None or test is None or others:
        return None
    return (train, test) if any(path.is_dir() for path in visible(train)) else None


def _check_use(request: Request, mixed: bool):
    """DataError where a folder's name cannot be the target of its files; ``mixed``: files lie
    both in the folder and in folders below it."""
    if request.needs_labels and not request.targets.named:
        raise DataError(
            f"{request.path} is a folder with a folder for each class.",
            f"A folder's name is one class; the model learns {request.targets.described}.",
            "Give the data as .npz, .npy or .csv files, or by a Python function.",
        )
    if request.takes_labels and mixed:
        raise DataError(
            f"{request.path} holds files beside folders of files.",
            "Which of them are anomalies cannot be told.",
            "Move the files into a folder of their own, named normal.",
        )


def visible(folder: Path) -> list[Path]:
    """What a folder holds, by name, without hidden files."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DataError(
            f"The folder {folder} cannot be read.", str(error.strerror), "Check its permissions."
        ) from None


def no_files(folder: Path, suffixes: tuple[str, ...]) -> DataError:
    return DataError(
        f"{folder} holds no samples.",
        f"No class folder below it holds files that end in {', '.join(suffixes)}.",
        f"Put each class's files into a folder of its own: {folder.name}/CLASS/FILE.",
    )


def _of_kind(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return [p for p in visible(folder) if p.is_file() and p.suffix.lower() in suffixes]
