"""One set of samples in two: one to tune on, one to test on."""

from __future__ import annotations

import math

import numpy as np

from edgetune.data.targets import Targets
from edgetune.dataclass import dataclass
from edgetune.errors import DataError, UsageError

SPLIT_SEED = 0


@dataclass(frozen=True)
class Split:
    """How ``x, y`` became two sets: ``tune_share`` (above 0, below 1) of every class, or of all
    samples where there are none, drawn by ``seed``; the rest is the test set."""

    tune_share: float
    seed: int = SPLIT_SEED


def make_split(share: str | float) -> Split:
    """UsageError where ``share`` is no share."""
    try:
        value = float(share)
    except ValueError:
        value = math.nan
    if not 0 < value < 1:
        raise UsageError(
            f"A split of {share!r} is not a share above 0 and below 1.",
            "It says which part of x, y is tuned on; the rest is tested on.",
            "Give for example --split 0.8.",
        )
    return Split(value)


def split_rows(
    y: np.ndarray | None, targets: Targets, count: int, how: Split
) -> tuple[np.ndarray, np.ndarray]:
    """Ascending indices of the tuning and of the test samples, of ``count`` in all.

    ``y``: their targets.  Classes and the two answers of one label are split each by itself;
    flagged anomalies are all tested on, since a model that learns them finds them no more.

    Raises:
        DataError: one set would be empty.
    """
    if targets.kind == "input" and y is not None:
        normal = np.flatnonzero(y == 0)
        tune, test = stratified(np.zeros(len(normal)), how)
        return normal[tune], np.union1d(normal[test], np.flatnonzero(y))
    classes = targets.kind == "class" or (targets.kind == "labels" and targets.size == 1)
    return stratified(y.ravel() if classes else np.zeros(count), how)


def stratified(y: np.ndarray, how: Split) -> tuple[np.ndarray, np.ndarray]:
    """Ascending indices of the tuning and of the test samples, by the class numbers ``y``."""
    generator = np.random.default_rng(how.seed)
    chosen = np.zeros(len(y), bool)
    for label in np.unique(y):
        members = generator.permutation(np.flatnonzero(y == label))
        chosen[members[: round(how.tune_share * len(members))]] = True
    if chosen.all() or not chosen.any():
        raise DataError(
            f"A split of {how.tune_share:g} of {len(y)} samples leaves one set empty.",
            "Every class is split by itself, and anomalies are only tested on.",
            "Give a share nearer to 0.5, or more samples.",
        )
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)
