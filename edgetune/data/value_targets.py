"""Real numbers to be learnt: the targets of a regression."""

from __future__ import annotations

import numpy as np

from edgetune.data.source import Source
from edgetune.errors import DataError


def real_targets(source: Source, size: int | None) -> np.ndarray:
    """``source.y`` (n, ...) of any real numbers as float64 (n, size), finite.

    Raises:
        DataError: values are not as many as samples, not ``size`` a sample, no numbers, NaN
            or infinite.
    """
    source.check_count()
    name, rows = source.y_name, source.y.reshape(len(source.y), -1)
    if rows.dtype.kind not in "biuf":
        raise DataError(
            f"{name} holds no real numbers: it is of type {rows.dtype}.",
            "The model's outputs are compared with numbers.",
            "Convert it, for example with y.astype('float32').",
        )
    if not rows.shape[1] or rows.shape[1] != (size or rows.shape[1]):
        raise DataError(
            f"{name} holds {rows.shape[1]} numbers a sample; the model gives {size or 'some'}.",
            f"The array's shape is {source.y.shape}, its first dimension counts the samples.",
            "Save one row a sample with a number for each output; of a CSV, name all columns: "
            "--label-column NAME,NAME.",
        )
    values = rows.astype(np.float64)
    if not np.isfinite(values).all():
        raise _not_finite(source, values)
    return values


def value_warnings(tune: Source, tune_y: np.ndarray) -> list[str]:
    """A sentence about outputs whose values (n, size) are all the same."""
    constant = np.flatnonzero((tune_y == tune_y[0]).all(axis=0)).tolist()
    if not constant:
        return []
    name, listed = tune.called("tune"), ", ".join(map(str, constant[:8]))
    more = " ..." * (len(constant) > 8)
    return [f"Outputs whose values in {name} are all the same, counted from 0: {listed}{more}."]


def _not_finite(source: Source, values: np.ndarray) -> DataError:
    wrong = ~np.isfinite(values)
    sample, output = np.argwhere(wrong)[0].tolist()
    return DataError(
        f"{source.y_name} holds {int(wrong.sum())} values that are NaN or infinite.",
        f"The first is value {output} of sample {sample}, both counted from 0.",
        "Remove or repair those samples.",
    )
