"""Data sets: any source read, checked, and brought into the model's input quantisation."""

from __future__ import annotations

import os
from dataclasses import field, replace
from pathlib import Path

import numpy as np

from edgetune.data.arrays import Arrays
from edgetune.data.declaration import Declaration
from edgetune.data.open_source import open_source
from edgetune.data.preprocessing import Preprocessing
from edgetune.data.samples import Prepared, check_form, decide, prepare, types_of
from edgetune.data.source import MEMORY, Request, Source
from edgetune.data.split import Split, make_split, split_rows
from edgetune.data.target_arrays import read_targets, target_warnings
from edgetune.data.targets import Targets
from edgetune.dataclass import dataclass
from edgetune.errors import DataError, UsageError
from edgetune.model.graph import Tensor

_OVERLAP = (
    "Windows overlap and are split at random: windows to test on share rows with some to tune on, "
    "which flatters the measure. Give another recording by --test-data, or a hop as long as a "
    "window."
)


@dataclass
class Dataset:
    """``*_x``: (n, *input shape without the batch), int8, float32 for a float model: an array,
    or samples prepared when they are asked for (`Prepared`), which are iterated and indexed
    alike.

    ``*_y``: by the kind of ``targets``, whose size is then known:

    - "class": int64 class numbers, (n,)
    - "labels": uint8, 0 or 1, (n, size)
    - "values": float64, finite, (n, size)
    - "input": ``tune_y`` is uint8 (n, 0), nothing for each sample; ``test_y`` uint8 (n,), 1 for
      an anomaly, or None where that is not known.

    ``preprocessing`` and ``split`` say how they came about; ``split`` is None where both sets
    were given.  ``warnings`` are sentences for the user.  ``classes``: the names of classes 0,
    1, ... where the labels were names, else ().
    """

    tune_x: np.ndarray | Prepared
    tune_y: np.ndarray
    test_x: np.ndarray | Prepared
    test_y: np.ndarray | None
    preprocessing: Preprocessing
    split: Split | None = None
    warnings: list[str] = field(default_factory=list)
    classes: tuple[str, ...] = ()
    targets: Targets = Targets()

    def __repr__(self) -> str:
        """In one line: a notebook shows it."""
        return (
            f"<Dataset: {len(self.tune_x):,} samples to tune on, {len(self.test_x):,} to test on, "
            f"each {list(self.tune_x.shape[1:])}>"
        )


def load_data(
    path: str | os.PathLike | Arrays,
    graph_input: Tensor,
    split: str | float | None = None,
    targets: Targets = Targets(),
    *,
    labels: str | Path | None = None,
    test: str | Path | None = None,
    test_labels: str | Path | None = None,
    label_column: str | None = None,
    part: str | None = None,
    test_part: str | None = None,
    whole: bool = False,
    class_names: tuple[str, ...] = (),
    stored: Preprocessing | None = None,
    memory: int = MEMORY,
    **declared,
) -> Dataset:
    """A tuning and a test set from ``path``: an .npz, .npy or .csv file, a folder of images or
    WAV files for each class, ``module:function``, or `Arrays` of the program itself.

    Trailing dimensions of one may be missing or extra in a sample.  What does not fit into
    ``memory`` bytes is streamed; it has been read and checked once when this returns.

    Args:
        graph_input: the model's input; its shape and quantisation are what the data becomes.  Of
            several inputs their values in a row: ``Graph.input``.
        split: the share to tune on, above 0 and below 1, where ``path`` has no test set of its
            own and ``test`` is not given.
        targets: what the labels are to be, as many as the model has outputs.
        labels, test_labels: the labels of .npy files.
        test: the test set, of any kind.
        label_column: of a CSV: its name, or its number from 1, several with commas between;
            without it the last ones, as many as ``targets`` has.
        part: of an .npz: the set ``PART_x, PART_y``.
        test_part: the same of ``test``, or of ``path`` where there is no ``test``.
        whole: samples of which none are to be tuned on: where there is one set, and no ``split``,
            all of it is the test set.
        class_names: the names of classes 0, 1, ... where labels are names; sorted without it.
            Of targets "input" the first name is that of normal samples.
        stored: the model's own preprocessing, for what is not declared here.
        declared: the fields of `Declaration`: scale, offset, mean, order, fit, sample_rate,
            frame, window, features.  Without scale and offset those of the file are taken, then
            the stored ones.  Without any, int8 is taken as quantised already and all else as real
            values, provided that they suit the input's range.

    Raises:
        DataError: the data cannot be used.
        UsageError: an option has no usable value, or does not go with the data.
    """
    _check_paths(path=path, labels=labels, test=test, test_labels=test_labels)
    how = make_split(split) if split is not None else None
    declaration = Declaration(**declared).after(stored)
    request = Request(
        str(path), tuple(graph_input.shape[1:]), declaration, _text(labels), label_column, part,
        memory, targets, _inputs_of(graph_input), path if isinstance(path, Arrays) else None,
        Declaration(**declared),
    )
    tune, own = open_source(request)
    held_out = _Held(_text(test), _text(test_labels), test_part)
    test_set = tune if whole and own is None and how is None and held_out.none else _test_set(
        request, tune, own, how, held_out
    )
    sources = [tune] if test_set is None else [tune, test_set]
    found = read_targets(sources, targets, tuple(class_names))
    y, parts = found.y, None
    if test_set is None:
        parts = split_rows(y[0], found.targets, len(tune.x), how)
        if tune.overlapping:
            tune.warnings += (_OVERLAP,)
    preprocessing, warnings = _decide(sources, graph_input, Declaration(**declared), stored)
    x = [prepare(source, graph_input, preprocessing, memory) for source in sources]
    if parts is not None:
        x = [x[0][rows] for rows in parts]
        y = [None if y[0] is None else y[0][rows] for rows in parts]
    warnings += [w for source in sources for w in source.warnings] + list(found.warnings)
    warnings += target_warnings(found, tune, y[0], test_set or tune, y[1], alone=test_set is tune)
    warnings = list(dict.fromkeys(warnings))
    if not targets.required:
        y[0] = np.empty((len(x[0]), 0), np.uint8)
    return Dataset(
        x[0], y[0], x[1], y[1], preprocessing, how, warnings, found.names, found.targets
    )


def load_samples(
    path: str | os.PathLike | Arrays,
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
    _check_paths(path=path)
    declaration = Declaration(**declared).after(stored)
    request = Request(
        str(path), tuple(graph_input.shape[1:]), declaration, None, label_column, part, memory,
        targets=None, inputs=_inputs_of(graph_input),
        arrays=path if isinstance(path, Arrays) else None, said=Declaration(**declared),
    )
    source, _ = open_source(request)
    preprocessing, warnings = _decide([source], graph_input, Declaration(**declared), stored)
    if count is not None and count < len(source.x):
        rows = np.linspace(0, len(source.x) - 1, count).astype(np.int64)
        source.x = np.asarray(source.x[rows])
    x = prepare(source, graph_input, preprocessing, memory)
    return x, preprocessing, warnings + list(source.warnings)


def load_labelled(
    path: str | Path,
    graph_input: Tensor,
    targets: Targets = Targets(),
    *,
    labels: str | Path | None = None,
    label_column: str | None = None,
    part: str | None = None,
    class_names: tuple[str, ...] = (),
    stored: Preprocessing | None = None,
    memory: int = MEMORY,
    **declared,
) -> tuple[np.ndarray | Prepared, np.ndarray | None, list[str]]:
    """One labelled set to measure a model on: the test set of ``path`` where it has one, else
    all of it.  Arguments and errors are those of `load_data`.

    Returns:
        the samples as the model takes them, their targets as those of ``Dataset.test_y``, and
        sentences for the user.
    """
    declaration = Declaration(**declared).after(stored)
    request = Request(
        str(path), tuple(graph_input.shape[1:]), declaration, _text(labels), label_column, part,
        memory, targets, _inputs_of(graph_input), said=Declaration(**declared),
    )
    found, own = open_source(request)
    source = own or found
    arrays = read_targets([source], targets, tuple(class_names))
    preprocessing, warnings = _decide([source], graph_input, Declaration(**declared), stored)
    x = prepare(source, graph_input, preprocessing, memory)
    return x, arrays.y[0], warnings + list(source.warnings + arrays.warnings)


@dataclass(frozen=True)
class _Held:
    """What names a test set: a source, its labels, a part of it or of the tuning set's."""

    source: str | None
    labels: str | None
    part: str | None

    @property
    def none(self) -> bool:
        return self.source is None and self.part is None


def _test_set(
    request: Request, tune: Source, own: Source | None, how: Split | None, test: _Held
) -> Source | None:
    """The test set of the file or ``test``; None where the samples are to be split."""
    if how is not None and (own is not None or not test.none):
        raise UsageError(
            f"{request.path} holds a tuning and a test set already."
            if own is not None else "A split and a test set exclude each other.",
            "A split is for data without a test set.",
            "Leave --split out.",
        )
    if own is not None and test.source is not None:
        raise UsageError(
            f"{request.path} has a test set of its own.",
            "It would not be used.",
            "Leave --test-data out, or take one set with --part.",
        )
    if not test.none:
        place = {} if test.source is None else {
            "path": test.source, "labels": test.labels, "arrays": None,
        }
        found, held_out = open_source(replace(request, part=test.part, **place))
        return held_out or found
    if own is None and how is None:
        raise DataError(
            f"{request.path} holds {tune.x_name} and {tune.y_name}: which part is to be tuned on?"
            if tune.y is not None and tune.x_name != tune.y_name
            else f"{request.path} is one set: which part is to be tuned on?",
            "A measure is only worth reading on samples that were not tuned on.",
            "Give for example --split 0.8, or a test set with --test-data or --test-part.",
        )
    return own


def _decide(
    sources: list[Source], tensor: Tensor, declaration: Declaration, stored: Preprocessing | None
) -> tuple[Preprocessing, list[str]]:
    """One preprocessing for all sources, which must be of one type and sample rate.

    ``stored``, the model's, tells how arrays lie; images have their channels last whatever it says.
    """
    if stored is not None and stored.order == "chw" and all(s.decoded for s in sources):
        stored = replace(stored, order="hwc")
    declaration = declaration.after(stored)
    for source in sources:
        check_form(source, tensor, declaration.order or "hwc")
    first, last = sources[0], sources[-1]
    one, other = (" and ".join(map(str, types_of(source))) for source in (first, last))
    if one != other:
        raise DataError(
            f"{first.x_name} is {one} and {last.x_name} is {other}.",
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


def _check_paths(**given) -> None:
    """UsageError for arrays in the place of a path: a list of numbers is no file's name."""
    for name, value in given.items():
        if value is not None and not isinstance(value, (str, os.PathLike, Arrays)):
            raise UsageError(
                f"{name} is {_kind(value)}, where the name of a file or a folder is expected.",
                "Samples are read from a file, a folder, or a function: module:function.",
                "Give arrays to edgetune.tune(model, board=..., x=..., y=...); or save them, "
                "numpy.savez('d.npz', x=x, y=y), and name that file.",
            )


def _kind(value) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return f"a {type(value).__name__}"


def _inputs_of(graph_input: Tensor) -> tuple[Tensor, ...]:
    return graph_input.parts or (graph_input,)


def _text(path: str | Path | None) -> str | None:
    return None if path is None else str(path)
