"""Flags of anomalies: what the labels of a model that reconstructs its input can say."""

from __future__ import annotations

import numpy as np

from edgetune.data.source import Source
from edgetune.errors import DataError

NORMAL = ("normal", "good")
ANOMALOUS = ("anomalous", "anomaly", "anomalies", "abnormal", "bad")


def anomaly_flags(
    source: Source, names: tuple[str, ...] = ()
) -> tuple[np.ndarray | None, str | None]:
    """``source.y`` as uint8 (n,), 1 for an anomaly, None where it says nothing of them; and a
    sentence about names that say nothing.

    Numbers are 0 and 1, also as texts.  Of names the `NORMAL` ones are 0, beside them all others
    are 1, and `ANOMALOUS` ones are so by themselves.  ``names`` overrules: the first is normal
    and all others are not.

    Raises:
        DataError: flags are not as many as samples, or numbers other than 0 and 1.
    """
    if source.y is None:
        return None, None
    source.check_count()
    flat = source.y.reshape(-1)
    if flat.dtype.kind == "S":
        flat = np.char.decode(flat, "utf-8", "replace")
    if flat.dtype.kind == "U" and len(flat) == len(source.x):
        flat = _by_name(flat, names)
        if flat is None:
            return None, _says_nothing(source)
    numbers = flat.dtype.kind in "biuf" and len(flat) == len(source.x)
    if not numbers or not ((flat == 0) | (flat == 1)).all():
        raise DataError(
            f"{source.y_name} holds no flags of anomalies: {source.y.dtype} of shape "
            f"{source.y.shape}.",
            "The model's target is its input; a label can only say 0, normal, or 1, anomalous.",
            "Save 0 and 1, one a sample, or leave the labels out.",
        )
    return flat.astype(np.uint8), None


def flag_warnings(tune: Source, flags: np.ndarray | None) -> list[str]:
    """A sentence about anomalies among the samples to tune on."""
    count = 0 if flags is None else int(flags.sum())
    if not count:
        return []
    return [
        f"{count} of {len(flags)} samples in {tune.called('tune')} are flagged as anomalies: the "
        "model learns them as if they were normal."
    ]


def _by_name(texts: np.ndarray, names: tuple[str, ...]) -> np.ndarray | None:
    """Flags (n,) by texts (n,); None where the texts do not tell."""
    if names:
        return texts != names[0]
    if np.isin(texts, ("0", "1")).all():
        return texts == "1"
    lower = np.char.lower(texts)
    normal = np.isin(lower, NORMAL)
    return ~normal if normal.any() or np.isin(lower, ANOMALOUS).all() else None


def _says_nothing(source: Source) -> str:
    names = np.unique(source.y.astype(str))
    return (
        f"The names {', '.join(names[:8])}{' ...' * (len(names) > 8)} in {source.y_name} do not "
        "say which samples are anomalies: all are taken alike. Call the others normal, or give "
        "--classes NORMAL,ANOMALOUS."
    )
