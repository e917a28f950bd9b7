"""Data sets: any source read, checked, and brought into the model's input quantisation."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edgetune.data.declaration import Declaration
from edgetune.data.labels import class_numbers, label_warnings
from edgetune.data.open_source import open_source
from edgetune.data.preprocessing import Preprocessing
from edgetune.data.samples import Prepared, check_form, decide, prepare
from edgetune.data.source import MEMORY, Request, Source
from edgetune.data.split import Split, make_split, stratified
from edgetune.errors import DataError, UsageError
from edgetune.model.graph import Tensor


@dataclass
class Dataset:
    """``*_x``: (n, *input shape without the batch), int8, float32 for a float model: an array,
    or samples prepared when they are asked for (`Prepared`), which are iterated and indexed
    alike.  ``*_y``: int64 class numbers, (n,).

    ``preprocessing`` and ``split`` say how they came about; ``split`` is None where both sets
    were given.  ``warnings`` are sentences for the user.  ``classes``: the names of classes 0,
    1, ... where the labels were names, else ().
    """

    tune_x: np.ndarray | Prepared
    tune_y: np.ndarray
    test_x: np.ndarray | Prepared
    test_y: np.ndarray
    preprocessing: Preprocessing
    split: Split | None = None
    warnings: list[str] = field(default_factory=list)
    classes: tuple[str, ...] = ()


def load_data(
    path: str | Path,
    graph_input: Tensor,
    split: str | float | None = None,
    classes: int | None = None,
    *,
    labels: str | Path | None = None,
    test: str | Path | None = None,
    test_labels: str | Path | None = None,
    label_column: str | None = None,
    part: str | None = None,
    class_names: tuple[str, ...] = (),
    stored: Preprocessing | None = None,
    memory: int = MEMORY,
    **declared,
) -> Dataset:
    """A tuning and a test set from ``path``: an .npz, .npy or .csv file, a folder of images or
    WAV files for each class, or ``module:function``.

    Trailing dimensions of one may be missing or extra in a sample.  Labels are class numbers
    from 0 or names.  What does not fit into ``memory`` bytes is streamed; it has been read and
    checked once when this returns.

    Args:
        graph_input: the model's input; its shape and quantisation are what the data becomes.
        split: the share to tune on, above 0 and below 1, where ``path`` has no test set of its
            own and ``test`` is not given.
        classes: the number of the model's classes, which labels must stay below.
        labels, test_labels: the labels of .npy files.
        test: the test set, of any kind.
        label_column: of a CSV: its name, or its number from 1; the last one without it.
        part: of an .npz: the set ``PART_x, PART_y``.
        class_names: the names of classes 0, 1, ... where labels are names; sorted without it.
        stored: the model's own preprocessing, for what is not declared here.
        declared: the fields of `Declaration`: scale, offset, mean, order, fit, sample_rate,
            frame.  Without scale and offset those of the file are taken, then the stored ones.
            Without any, int8 is taken as quantised already and all else as real values,
            provided that they suit the input's range.

    Raises:
        DataError: the data cannot be used.
        UsageError: an option has no usable value, or does not go with the data.
    """
    how = make_split(split) if split is not None else None
    declaration = Declaration(**declared).after(stored)
    request = Request(
        str(path), tuple(graph_input.shape[1:]), declaration, _text(labels), label_column, part,
        memory,
    )
    tune, test_set = open_source(request)
    test_set = _test_set(request, tune, test_set, how, _text(test), _text(test_labels))
    sources = [tune] if test_set is None else [tune, test_set]
    numbers, names = class_numbers(sources, classes, tuple(class_names))
    parts = stratified(numbers[0], how) if test_set is None else None
    preprocessing, warnings = _decide(sources, graph_input, declaration, stored)
    x = [prepare(source, graph_input, preprocessing, memory) for source in sources]
    if parts is not None:
        x, numbers = [x[0][rows] for rows in parts], [numbers[0][rows] for rows in parts]
    warnings += [w for source in sources for w in source.warnings]
    warnings += label_warnings(tune, numbers[0], test_set or tune, numbers[1], names, classes)
    return Dataset(x[0], numbers[0], x[1], numbers[1], preprocessing, how, warnings, names)


def load_samples(
    path: str | Path,
    graph_input: Tensor,
    count: int | None = None,
    *,
    part: str | None = None,
    label_column: str | None = None,
    stored: Preprocessing | None = None,
    memory: int = MEMORY,
    **declared,
) -> tuple[np.ndarray | Prepared, Preprocessing, list[str]]:
    """Samples without labels, to calibrate by: ``count`` of them spread evenly (None: all).

    They come from the tuning set where ``path`` has one.  A folder may hold its files itself,
    and a CSV no label column.  Arguments and errors are those of `load_data`.

    Returns:
        the samples as the model takes them, their preprocessing, and sentences for the user.
    """
    declaration = Declaration(**declared).after(stored)
    request = Request(
        str(path), tuple(graph_input.shape[1:]), declaration, None, label_column, part, memory,
        labelled=False,
    )
    source, _ = open_source(request)
    preprocessing, warnings = _decide([source], graph_input, declaration, stored)
    if count is not None and count < len(source.x):
        rows = np.linspace(0, len(source.x) - 1, count).astype(np.int64)
        source.x = np.asarray(source.x[rows])
    x = prepare(source, graph_input, preprocessing, memory)
    return x, preprocessing, warnings + list(source.warnings)


def load_labelled(
    path: str | Path,
    graph_input: Tensor,
    classes: int | None = None,
    *,
    labels: str | Path | None = None,
    label_column: str | None = None,
    part: str | None = None,
    class_names: tuple[str, ...] = (),
    stored: Preprocessing | None = None,
    memory: int = MEMORY,
    **declared,
) -> tuple[np.ndarray | Prepared, np.ndarray, list[str]]:
    """One labelled set to measure accuracy on: the test set of ``path`` where it has one, else
    all of it.  Arguments and errors are those of `load_data`.

    Returns:
        the samples as the model takes them, their class numbers, and sentences for the user.
    """
    declaration = Declaration(**declared).after(stored)
    request = Request(
        str(path), tuple(graph_input.shape[1:]), declaration, _text(labels), label_column, part,
        memory,
    )
    found, own = open_source(request)
    source = own or found
    numbers, _ = class_numbers([source], classes, tuple(class_names))
    preprocessing, warnings = _decide([source], graph_input, declaration, stored)
    x = prepare(source, graph_input, preprocessing, memory)
    return x, numbers[0], warnings + list(source.warnings)


def _test_set(
    request: Request, tune: Source, own: Source | None, how: Split | None,
    test: str | None, test_labels: str | None,
) -> Source | None:
    """The test set of the file or of ``test``; None where the samples are to be split."""
    if how is not None and (own is not None or test is not None):
        raise UsageError(
            f"{request.path} holds a tuning and a test set already."
            if own is not None else "A split and a test set exclude each other.",
            "A split is for data without a test set.",
            "Leave --split out.",
        )
    if own is not None and test is not None:
        raise UsageError(
            f"{request.path} has a test set of its own.",
            "It would not be used.",
            "Leave --test-data out, or take one set with --part.",
        )
    if test is not None:
        found, held_out = open_source(
            Request(test, request.shape, request.declaration, test_labels, request.label_column,
                    None, request.memory)
        )
        return held_out or found
    if own is None and how is None:
        raise DataError(
            f"{request.path} holds {tune.x_name} and {tune.y_name}: which part is to be tuned on?"
            if tune.x_name != tune.y_name
            else f"{request.path} is one set: which part is to be tuned on?",
            "Accuracy is only worth reading on samples that were not tuned on.",
            "Give for example --split 0.8, or a test set with --test-data.",
        )
    return own


def _decide(
    sources: list[Source], tensor: Tensor, declaration: Declaration, stored: Preprocessing | None
) -> tuple[Preprocessing, list[str]]:
    """One preprocessing for all sources, which must be of one type and sample rate."""
    for source in sources:
        check_form(source, tensor, declaration.order or "hwc")
    first, last = sources[0], sources[-1]
    if first.x.dtype != last.x.dtype:
        raise DataError(
            f"{first.x_name} is {first.x.dtype} and {last.x_name} is {last.x.dtype}.",
            "Both sets go through the same preprocessing, so they must be of one type.",
            "Save both with the same dtype.",
        )
    if first.sample_rate != last.sample_rate:
        raise DataError(
            f"{first.x_name} has a sample rate of {first.sample_rate} Hz, {last.x_name} of "
            f"{last.sample_rate}.",
            "All sounds of a model have one sample rate.", "Resample one of them.",
        )
    return decide(first, tensor, declaration, stored)


def _text(path: str | Path | None) -> str | None:
    return None if path is None else str(path)
