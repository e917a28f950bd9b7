"""Class numbers of any source's labels, and the classes' names."""

from __future__ import annotations

import re

import numpy as np

from edgetune.data.source import Source
from edgetune.errors import DataError

_WHOLE = re.compile(r"-?\d+(\.0*)?")


def class_numbers(
    sources: list[Source], classes: int | None, names: tuple[str, ...] = ()
) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Each source's labels as int64 class numbers (n,), and the names of classes 0, 1, ...

    Labels that are texts are numbered by ``names``, without them in sorted order over all
    sources; texts that are all whole numbers are class numbers.  Names are () where the labels
    are numbers and no names are given.

    Raises:
        DataError: labels are not as many as samples, no class numbers, out of range or unknown.
    """
    for source in sources:
        source.check_count()
    texts = [source.y.dtype.kind in "US" for source in sources]
    if not any(texts):
        return [_numbers(s.y, s.y_name, classes) for s in sources], names
    if not all(texts):
        raise DataError(
            f"The labels of {sources[texts.index(False)].y_name} are numbers, those of "
            f"{sources[texts.index(True)].y_name} are names.",
            "Both sets are labelled alike.", "Use the same labels in both.",
        )
    labels = [_text(source) for source in sources]
    present = sorted(set(np.concatenate(labels).tolist()))
    if not names and all(map(_WHOLE.fullmatch, present)):
        numbers = [np.array([int(float(t)) for t in y], np.int64) for y in labels]
        return [_numbers(y, s.y_name, classes) for y, s in zip(numbers, sources)], ()
    names = names or tuple(present)
    if unknown := [name for name in present if name not in names]:
        raise DataError(
            f"The class {unknown[0]} is not among those that were given.",
            f"They are {', '.join(names)}.", "Add it to --classes, or leave its samples out.",
        )
    number = {name: i for i, name in enumerate(names)}
    numbers = [np.array([number[t] for t in y.tolist()], np.int64) for y in labels]
    _check_names(names, classes)
    return [_numbers(y, s.y_name, classes) for y, s in zip(numbers, sources)], names


def class_warnings(
    tune: Source, tune_y: np.ndarray, test: Source, test_y: np.ndarray,
    names: tuple[str, ...], classes: int | None, alone: bool = False,
) -> list[str]:  # fmt: skip
    """Sentences about labels that are usable but look like a mistake; ``alone``: of the test set,
    which stands for both."""
    sets = ((tune.called("tune"), tune_y), (test.called("test"), test_y))
    warnings = [
        f"{name} holds one class only: {labels[0]}."
        for name, labels in sets[alone:] if (labels == labels[0]).all()
    ]  # fmt: skip
    if unseen := sorted(set(test_y.tolist()) - set(tune_y.tolist())):
        warnings.append(
            f"Classes in {sets[1][0]} that {sets[0][0]} lacks: {', '.join(map(str, unseen))}."
        )
    if names and classes and len(names) < classes:
        warnings.append(
            f"The labels name {len(names)} classes and the model has {classes}: they are taken "
            f"for its first {len(names)}. --classes gives the model's order."
        )
    return warnings


def _check_names(names: tuple[str, ...], classes: int | None):
    if classes is not None and len(names) > classes:
        raise DataError(
            f"There are {len(names)} classes: {', '.join(names[:8])}"
            f"{' ...' if len(names) > 8 else ''}.",
            f"The model has {classes}.",
            "Leave out those that it does not know, or use a model with as many classes.",
        )


def _text(source: Source) -> np.ndarray:
    """The labels (n,) as str."""
    y = source.y
    if y.size != len(y):
        raise _no_class_number(source.y_name, y)
    flat = y.reshape(-1)
    return np.char.decode(flat, "utf-8", "replace") if y.dtype.kind == "S" else flat


def _numbers(y: np.ndarray, name: str, classes: int | None) -> np.ndarray:
    """``y`` as int64 class numbers (n,), in range."""
    flat = y.reshape(-1)
    whole = y.dtype.kind in "iu" or (y.dtype.kind == "f" and bool((flat == np.rint(flat)).all()))
    if len(flat) != len(y) or not whole or not np.isfinite(flat).all():
        raise _no_class_number(name, y)
    low, high = int(flat.min()), int(flat.max())
    limit = np.iinfo(np.int32).max if classes is None else classes - 1
    if low < 0 or high > limit:
        raise DataError(
            f"{name} holds labels from {low} to {high}.",
            f"The model's classes are 0 to {limit}.",
            "Renumber the labels, or use a model with as many classes.",
        )
    return flat.astype(np.int64)


def _no_class_number(name: str, y: np.ndarray) -> DataError:
    return DataError(
        f"{name} does not hold one class number per sample: {y.dtype} of shape {y.shape}.",
        "Labels are whole numbers from 0, or names.",
        _class_number_advice(name, y),
    )


def _class_number_advice(name: str, y: np.ndarray) -> str:
    if y.size == len(y) and y.dtype.kind == "f":
        return (
            "Values that the model is to give are learnt by another loss: --loss mse; its outputs "
            "are as many as a sample's values."
        )
    return f"For one-hot labels save {name}.argmax(axis=1)."
