"""Data sets: an ``.npz`` file read, checked and brought into the model's input quantisation."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edgetune.data.preprocessing import Preprocessing, misfit, quantize, undeclared_error
from edgetune.errors import DataError, UsageError
from edgetune.model.graph import Tensor

PARTS = ("tune_x", "tune_y", "test_x", "test_y")
DTYPES = ("float16", "float32", "float64", "uint8", "int8")
SPLIT_SEED = 0


@dataclass(frozen=True)
class Split:
    """How ``x, y`` became two sets: ``tune_share`` (above 0, below 1) of every class, drawn by
    ``seed``; the rest is the test set."""

    tune_share: float
    seed: int = SPLIT_SEED


@dataclass
class Dataset:
    """``*_x``: int8, (n, *input shape without the batch); ``*_y``: int64 class numbers, (n,).

    ``preprocessing`` and ``split`` say how they came about; ``split`` is None where the file
    itself has both sets.  ``warnings`` are sentences for the user.
    """

    tune_x: np.ndarray
    tune_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    preprocessing: Preprocessing
    split: Split | None = None
    warnings: list[str] = field(default_factory=list)


def load_data(
    path: str | Path,
    graph_input: Tensor,
    split: str | float | None = None,
    scale: float | None = None,
    offset: float | None = None,
    classes: int | None = None,
) -> Dataset:
    """Reads ``tune_x, tune_y, test_x, test_y`` from an ``.npz``, or ``x, y`` and splits them.

    ``*_x`` are float16, float32, float64, uint8 or int8, one sample a row; trailing dimensions
    of one may be missing or extra.  ``*_y`` are class numbers from 0.

    Args:
        graph_input: the model's input; its shape and quantisation are what the data becomes.
        split: the share of ``x, y`` to tune on, above 0 and below 1; goes with ``x, y`` only.
        scale, offset: the preprocessing, ``real = scale * raw + offset``.  Without them those
            stored in the file under these names.  Without either, int8 is taken as quantised
            already and all else as real values, provided that they suit the input's range.
        classes: the number of the model's classes, which labels must stay below.

    Raises:
        DataError: the file, its keys, shapes, types, values or labels cannot be used.
        UsageError: ``split``, ``scale`` or ``offset`` is not a usable number.
    """
    path = Path(path)
    stored = _read(path)
    share = None if split is None else _share(split)
    parts, how = _parts(stored, share, path, classes)
    raw = {name: _samples(parts[name], name, graph_input) for name in ("tune_x", "test_x")}
    if raw["tune_x"].dtype != raw["test_x"].dtype:
        raise DataError(
            f"tune_x is {raw['tune_x'].dtype} and test_x is {raw['test_x'].dtype}.",
            "Both sets go through the same preprocessing, so they must be of one type.",
            "Save both with the same dtype.",
        )
    preprocessing = _declared(stored, scale, offset)
    warnings = []
    if preprocessing is None:
        preprocessing = _undeclared(raw["tune_x"], graph_input)
    elif reason := misfit(raw["tune_x"], graph_input, preprocessing):
        warnings.append(f"With the declared scale and offset {reason}.")
    return Dataset(
        quantize(raw["tune_x"], graph_input, preprocessing),
        parts["tune_y"],
        quantize(raw["test_x"], graph_input, preprocessing),
        parts["test_y"],
        preprocessing,
        how,
        warnings + _label_warnings(parts["tune_y"], parts["test_y"]),
    )


def _read(path: Path) -> dict[str, np.ndarray]:
    """The arrays of the file that concern us, and an empty entry for every other key."""
    used = {*PARTS, "x", "y", "scale", "offset"}
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] if key in used else None for key in archive.files}
    except FileNotFoundError:
        raise DataError(
            f"There is no data file {path}.", "", "Check the path given with --data."
        ) from None
    # A damaged archive makes numpy, zipfile and zlib raise nearly anything.
    except Exception as error:
        raise DataError(
            f"{path} cannot be read as an .npz archive of plain arrays.",
            f"{type(error).__name__}: {error}",
            "Write it with numpy.savez_compressed from numeric arrays; "
            "pickled objects are never loaded.",
        ) from error


def _share(split: str | float) -> float:
    try:
        share = float(split)
    except ValueError:
        share = math.nan
    if not 0 < share < 1:
        raise UsageError(
            f"A split of {split!r} is not a share above 0 and below 1.",
            "It says which part of x, y is tuned on; the rest is tested on.",
            "Give for example --split 0.8.",
        )
    return share


def _parts(
    stored: dict, share: float | None, path: Path, classes: int | None
) -> tuple[dict[str, np.ndarray], Split | None]:
    """The four arrays, labels checked, and the split where ``x, y`` had to be split."""
    if all(name in stored for name in PARTS):
        if share is not None:
            raise UsageError(
                f"{path} holds a tuning and a test set already.",
                "A split is for files with x and y only.",
                "Leave --split out.",
            )
        parts = {name: _array(stored[name], name) for name in PARTS}
        for which in ("tune", "test"):
            name = f"{which}_y"
            parts[name] = _labels(parts[name], name, parts[f"{which}_x"], classes)
        return parts, None
    if "x" not in stored or "y" not in stored:
        raise DataError(
            f"{path} lacks {', '.join(name for name in PARTS if name not in stored)}.",
            f"It holds: {', '.join(stored) or 'nothing'}.",
            "Save tune_x, tune_y, test_x and test_y, or x and y and give --split 0.8.",
        )
    if share is None:
        raise DataError(
            f"{path} holds x and y: which part is to be tuned on?",
            "Accuracy is only worth reading on samples that were not tuned on.",
            "Give for example --split 0.8.",
        )
    x = _array(stored["x"], "x")
    y = _labels(_array(stored["y"], "y"), "y", x, classes)
    how = Split(share)
    tune, test = _stratified(y, how)
    return dict(zip(PARTS, (x[tune], y[tune], x[test], y[test]), strict=True)), how


def _array(value: object, name: str) -> np.ndarray:
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        raise DataError(
            f"{name} is not an array of samples.", "", f"Save {name} with one row per sample."
        )
    if len(value) == 0:
        raise DataError(f"{name} is empty.", "", "Every set needs at least one sample.")
    return value


def _stratified(y: np.ndarray, how: Split) -> tuple[np.ndarray, np.ndarray]:
    """Ascending indices of the tuning and of the test samples."""
    generator = np.random.default_rng(how.seed)
    chosen = np.zeros(len(y), bool)
    for label in np.unique(y):
        members = generator.permutation(np.flatnonzero(y == label))
        chosen[members[: round(how.tune_share * len(members))]] = True
    if chosen.all() or not chosen.any():
        raise DataError(
            f"A split of {how.tune_share:g} of {len(y)} samples leaves one set empty.",
            "Every class is split by itself.",
            "Give a share nearer to 0.5, or more samples.",
        )
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def _samples(x: np.ndarray, name: str, graph_input: Tensor) -> np.ndarray:
    """``x`` in the input's shape, its type and values checked."""
    expected = tuple(graph_input.shape[1:])
    if _significant(x.shape[1:]) != _significant(expected):
        raise DataError(
            f"{name} holds samples of shape {x.shape[1:]}; the model takes {expected}.",
            f"The array's shape is {x.shape}, its first dimension counts the samples.",
            "Reshape or transpose the data; channels come last.",
        )
    if x.dtype.name not in DTYPES:
        raise DataError(
            f"{name} is of type {x.dtype}.",
            f"Samples are {', '.join(DTYPES[:-1])} or {DTYPES[-1]}.",
            f"Convert {name}, for example with {name}.astype('float32').",
        )
    if x.dtype.kind == "f" and not (finite := np.isfinite(x)).all():
        at = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise DataError(
            f"{name} holds {int((~finite).sum())} values that are NaN or infinite.",
            f"The first is {name}{list(at)}.",
            "Remove or repair those samples.",
        )
    return x.reshape(len(x), *expected)


def _significant(shape: tuple[int, ...]) -> tuple[int, ...]:
    """``shape`` without trailing dimensions of one."""
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    return tuple(shape)


def _labels(y: np.ndarray, name: str, x: np.ndarray, classes: int | None) -> np.ndarray:
    """``y`` as int64 class numbers (n,), in range and as many as there are samples in ``x``."""
    if len(y) != len(x):
        raise DataError(
            f"There are {len(x)} samples but {len(y)} labels in {name}.",
            "Every sample needs one label.",
            "Check how the arrays were written.",
        )
    flat = y.reshape(-1)
    whole = y.dtype.kind in "iu" or (y.dtype.kind == "f" and bool((flat == np.rint(flat)).all()))
    if len(flat) != len(y) or not whole or not np.isfinite(flat).all():
        raise DataError(
            f"{name} does not hold one class number per sample: {y.dtype} of shape {y.shape}.",
            "Labels are whole numbers from 0.",
            f"For one-hot labels save {name}.argmax(axis=1).",
        )
    low, high = int(flat.min()), int(flat.max())
    limit = np.iinfo(np.int32).max if classes is None else classes - 1
    if low < 0 or high > limit:
        raise DataError(
            f"{name} holds labels from {low} to {high}.",
            f"The model's classes are 0 to {limit}.",
            "Renumber the labels, or use a model with as many classes.",
        )
    return flat.astype(np.int64)


def _declared(stored: dict, scale: float | None, offset: float | None) -> Preprocessing | None:
    """The preprocessing of the caller, else of the file, else None."""
    if scale is None and offset is None:
        scale, offset = stored.get("scale"), stored.get("offset")
    if scale is None and offset is None:
        return None
    values = []
    for name, value, default in (("scale", scale, 1.0), ("offset", offset, 0.0)):
        value = default if value is None else _number(value)
        if not math.isfinite(value) or (name == "scale" and value == 0):
            raise UsageError(
                f"The declared {name} is not a usable number.",
                "It must be finite, and a scale other than zero.",
                f"Correct --{name}, or {name} in the data file.",
            )
        values.append(value)
    return Preprocessing(*values)


def _number(value: object) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _undeclared(raw: np.ndarray, graph_input: Tensor) -> Preprocessing:
    """The default: int8 is quantised already, all else real values if they suit the range."""
    if raw.dtype == np.int8:
        return Preprocessing(quantized=True)
    preprocessing = Preprocessing()
    if reason := misfit(raw, graph_input, preprocessing):
        raise undeclared_error(raw, graph_input, reason)
    return preprocessing


def _label_warnings(tune_y: np.ndarray, test_y: np.ndarray) -> list[str]:
    warnings = [
        f"{name} holds one class only: {labels[0]}."
        for name, labels in (("tune_y", tune_y), ("test_y", test_y))
        if (labels == labels[0]).all()
    ]
    if unseen := sorted(set(test_y.tolist()) - set(tune_y.tolist())):
        warnings.append(f"Classes in test_y that tune_y lacks: {', '.join(map(str, unseen))}.")
    return warnings
