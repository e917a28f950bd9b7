"""The labels of any sources as the targets that a model is to learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgetune.data.class_targets import class_numbers, class_warnings
from edgetune.data.flag_targets import anomaly_flags, flag_warnings
from edgetune.data.label_targets import binary_labels, label_warnings
from edgetune.data.source import Source
from edgetune.data.targets import Targets
from edgetune.data.value_targets import real_targets, value_warnings
from edgetune.dataclass import dataclass
from edgetune.errors import DataError, UsageError


@dataclass(frozen=True)
class TargetArrays:
    """``y``: for each source what `Dataset` holds as ``test_y``.

    ``names``: of classes 0, 1, ..., () where the labels are numbers.  ``targets``: with the size
    that was found.  ``warnings``: sentences for the user.
    """

    y: list[np.ndarray | None]
    targets: Targets
    names: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read_targets(
    sources: list[Source], targets: Targets, names: tuple[str, ...] = ()
) -> TargetArrays:
    """The labels of each source, checked; ``names`` are the classes' as the user gives them.

    Raises:
        DataError: they are no targets of that kind and size.
        UsageError: names were given and there are no classes.
    """
    if names and not targets.named and targets.required:
        raise UsageError(
            "--classes does not go with this model.",
            f"It names classes; the model learns {targets.described}.", "Leave --classes out.",
        )
    kind = {"class": _classes, "labels": _labels, "values": _values, "input": _flags}
    return kind[targets.kind](sources, targets, names)


def target_warnings(
    arrays: TargetArrays, tune: Source, tune_y: np.ndarray | None,
    test: Source, test_y: np.ndarray | None, alone: bool = False,
) -> list[str]:  # fmt: skip
    """Sentences about targets of both sets that are usable but look like a mistake.

    Args:
        alone: there is a test set only, and it stands for both.
    """
    kind = arrays.targets.kind
    if kind == "class":
        size = arrays.targets.size
        return class_warnings(tune, tune_y, test, test_y, arrays.names, size, alone)
    one_set = {"labels": label_warnings, "values": value_warnings, "input": flag_warnings}
    return one_set[kind](tune, tune_y)


def _classes(sources, targets, names) -> TargetArrays:
    y, names = class_numbers(sources, targets.size, names)
    return TargetArrays(y, targets, names)


def _labels(sources, targets, names) -> TargetArrays:
    if targets.size == 1 and any(s.y is not None and s.y.dtype.kind in "US" for s in sources):
        y, names = class_numbers(sources, 2, names)
        return TargetArrays([part.astype(np.uint8)[:, None] for part in y], targets, names)
    y = [binary_labels(source, targets.size) for source in sources]
    return TargetArrays(y, _sized(sources, targets, y), names)


def _values(sources, targets, names) -> TargetArrays:
    y = [real_targets(source, targets.size) for source in sources]
    return TargetArrays(y, _sized(sources, targets, y))


def _flags(sources, targets, names) -> TargetArrays:
    y, notes = zip(*(anomaly_flags(source, names) for source in sources))
    # What the last set's names do not tell is missed when anomalies are to be found in it.
    return TargetArrays(list(y), targets, (), (notes[-1],) if notes[-1] else ())


def _sized(sources: list[Source], targets: Targets, y: list[np.ndarray]) -> Targets:
    """``targets`` with the size that all sources have."""
    sizes = [part.shape[1] for part in y]
    if len(set(sizes)) > 1:
        raise DataError(
            f"{sources[0].y_name} holds {sizes[0]} numbers a sample, {sources[-1].y_name} "
            f"{sizes[-1]}.",
            "Both sets have the same targets.", "Save both with as many columns.",
        )
    return replace(targets, size=sizes[0])
