"""Labels that are 0 or 1 each for itself: one answer of yes or no, or several at once."""

from __future__ import annotations

import numpy as np

from edgetune.data.source import Source
from edgetune.errors import DataError


def binary_labels(source: Source, size: int | None) -> np.ndarray:
    """``source.y`` (n, ...) of any numbers or truth values as uint8 (n, size), 0 or 1.

    Raises:
        DataError: labels are not as many as samples, not ``size`` a sample, or not 0 and 1.
    """
    source.check_count()
    rows = source.y.reshape(len(source.y), -1)
    if not rows.shape[1] or rows.shape[1] != (size or rows.shape[1]):
        raise _wrong_size(source, rows.shape[1], size)
    if rows.dtype.kind not in "biuf" or not ((rows == 0) | (rows == 1)).all():
        raise DataError(
            f"{source.y_name} holds labels other than 0 and 1: {_example(rows)}.",
            "A label says no or yes.",
            "Save 0 and 1, for example with (y > 0).astype('uint8').",
        )
    return rows.astype(np.uint8)


def label_warnings(tune: Source, tune_y: np.ndarray) -> list[str]:
    """Sentences about labels (n, size) that cannot be learnt from the samples to tune on."""
    name, warnings = tune.called("tune"), []
    for value, words in ((0, "no sample has"), (1, "every sample has")):
        if always := np.flatnonzero((tune_y == value).all(axis=0)).tolist():
            listed = ", ".join(map(str, always[:8])) + " ..." * (len(always) > 8)
            warnings.append(f"Labels that {words} in {name}, counted from 0: {listed}.")
    return warnings


def _wrong_size(source: Source, found: int, size: int | None) -> DataError:
    name = source.y_name
    if size == 1:
        return DataError(
            f"{name} holds {found} numbers a sample; the model gives one label.",
            "It answers no or yes: 0 or 1.",
            "For two columns of which one is 1 save y.argmax(axis=1).",
        )
    if found == 1:
        return DataError(
            f"{name} holds one number a sample; the model gives {size} labels at once.",
            "Each label is 0 or 1 for itself, a class number is none.",
            f"Make rows of 0 and 1: numpy.eye({size}, dtype='uint8')[y] for class numbers; of a "
            "CSV, name all columns: --label-column NAME,NAME.",
        )
    return DataError(
        f"{name} holds {found} numbers a sample; the model gives {size} labels at once.",
        f"The array's shape is {source.y.shape}, its first dimension counts the samples.",
        f"Save rows of {size} numbers 0 or 1.",
    )


def _example(rows: np.ndarray) -> str:
    """The first value that is neither 0 nor 1, as it is written."""
    flat = rows.ravel().tolist()
    return repr(next(value for value in flat if value not in (0, 1)))
