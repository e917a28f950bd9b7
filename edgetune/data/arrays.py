"""Arrays of a program's own, in the place of a file that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgetune.data.npz import sets_of
from edgetune.data.source import Request, Source
from edgetune.dataclass import dataclass
from edgetune.errors import DataError

Samples = Any  # what numpy makes an array of; of several inputs a mapping of their names to such


@dataclass(frozen=True)
class Arrays:
    """``x`` [n, ...] and ``y`` [n, ...], and a test set likewise where there is one: what an
    .npz archive would hold.  Of several inputs ``x`` maps each one's name to its array.  ``y`` is
    None where samples are their own targets."""

    x: Samples
    y: Any = None
    test_x: Samples = None
    test_y: Any = None

    def __str__(self) -> str:
        return "The data"  # what messages call it


def read(arrays: Arrays, request: Request) -> tuple[Source, Source | None]:
    """The samples, and the test set where there is one.

    Raises:
        DataError: what is no array of numbers or names, or not what the model takes.
    """
    tune, test = ("tune_", "test_") if arrays.test_x is not None else ("", "")
    held = _named(tune, arrays.x, arrays.y)
    if test:
        held |= _named(test, arrays.test_x, arrays.test_y)
    return sets_of(held, request)


def _named(prefix: str, x: Samples, y: Any) -> dict[str, np.ndarray]:
    """Under the names that an archive would have for them."""
    inputs = dict(x) if isinstance(x, Mapping) else {"x": x}
    inputs |= {} if y is None else {"y": y}
    return {f"{prefix}{name}": _array(f"{prefix}{name}", value) for name, value in inputs.items()}


def _array(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype == object:
        raise DataError(
            f"{name} is no array of numbers.", "Its rows have different lengths, or hold objects.",
            "Give samples that are all of one shape: numpy.stack(list_of_samples).",
        )
    return array
