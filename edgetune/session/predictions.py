"""What a run made of every sample of its measured sets, kept in its folder."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.errors import DataError
from edgetune.files import check_regular, save_atomically
from edgetune.session.further import SetResult

FIELDS = ("losses_before", "losses_after", "predictions_before", "predictions_after", "targets")


@dataclass(frozen=True)
class Samples:
    """Of one set, as `SetResult` has them."""

    losses_before: np.ndarray
    losses_after: np.ndarray
    predictions_before: np.ndarray | None = None
    predictions_after: np.ndarray | None = None
    targets: np.ndarray | None = None


def save_predictions(path: Path, sets: Iterable[SetResult]) -> None:
    """As an .npz of arrays ``SET/FIELD``."""
    arrays = {
        f"{one.name}/{name}": _small(value)
        for one in sets for name in FIELDS if (value := getattr(one, name)) is not None
    }
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    save_atomically(path, file.getvalue())


def read_predictions(path: Path) -> Mapping[str, Samples]:
    """The sets by their names; none where there is no such file.

    Raises:
        DataError: it is damaged.
    """
    try:
        with np.load(check_regular(path), allow_pickle=False) as arrays:
            found: dict[str, dict] = {}
            for key in arrays.files:
                name, _, field = key.partition("/")
                found.setdefault(name, {})[field] = arrays[key]
            return {name: Samples(**values) for name, values in found.items()}
    except FileNotFoundError:
        return {}
    except Exception as error:  # zipfile and numpy raise what they like
        raise DataError(
            f"{path} cannot be read.", f"{type(error).__name__}: {error}", "Run it again.",
        ) from None


def _small(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32 if values.dtype.kind == "f" else np.int32)
