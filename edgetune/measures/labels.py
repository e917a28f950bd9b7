"""Measures of answers of yes or no: one, or several at once."""

from __future__ import annotations

import numpy as np


def auc(scores: np.ndarray, positive: np.ndarray) -> float | None:
    """The area under the ROC curve: how likely a positive sample scores above a negative one.

    0 to 1; half is chance.  It is the Mann-Whitney U over the number of pairs, where a tie counts
    half (Hanley and McNeil, Radiology 143, 1982).  None where all or no samples are positive.

    Args:
        scores: (n,), the higher the more positive.
        positive: (n,), 1 or true for a positive sample.
    """
    positive = np.asarray(positive, bool)
    ones = int(positive.sum())
    zeros = len(positive) - ones
    if not ones or not zeros:
        return None
    u = _ranks(scores)[positive].sum() - ones * (ones + 1) / 2
    return float(u / (ones * zeros))


def f1(predicted: np.ndarray, positive: np.ndarray) -> float | None:
    """The harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN), 0 to 1.

    None where no sample is positive and none was taken for one.

    Args:
        predicted, positive: (n,), 1 or true for a positive sample.
    """
    predicted, positive = np.asarray(predicted, bool), np.asarray(positive, bool)
    right, either = int((predicted & positive).sum()), int(predicted.sum() + positive.sum())
    return 2 * right / either if either else None


def mean_of_known(values: list[float | None]) -> float | None:
    """The mean of those that are not None; None where all are."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _ranks(scores: np.ndarray) -> np.ndarray:
    """Ranks from 1 in ascending order; equal scores share the mean of theirs."""
    _, group, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[group]
