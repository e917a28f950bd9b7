"""How surely one set of weights is better than another, from losses of single samples."""

from __future__ import annotations

import numpy as np

BETTER = 2.0  # standard errors above which weights are better
RISEN = 1.0  # above which a window is worth keeping its weights
COLLAPSED = 3.0  # below which they are given up at once, where the fall is large
LARGE_SHARE = 0.1  # of right predictions, or of probability
LARGE_RATIO = 1.5  # of mean losses that are no shares


def paired(
    ours: np.ndarray, theirs: np.ndarray, weights: np.ndarray | float = 1.0
) -> float:
    """By how many standard errors our losses of the same samples are below theirs.

    Of predictions that are right or wrong it is (won - lost) / sqrt(won + lost), McNemar's test
    (Psychometrika 12, 1947); of other losses sum(d) / sqrt(sum(d^2)).  0 where all are equal.

    Args:
        ours, theirs: losses (n,).
        weights: of the samples, (n,).
    """
    gains = weights * (np.asarray(theirs, float) - ours)
    deviation = float(np.sqrt((gains**2).sum()))
    return float(gains.sum()) / deviation if deviation else 0.0


def unpaired(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The same of losses of different samples, (n,) and (m,): Welch's statistic."""
    gain = float(np.mean(theirs) - np.mean(ours))
    variance = np.var(ours) / len(ours) + np.var(theirs) / len(theirs)
    if not variance:
        return float(np.sign(gain)) * np.inf if gain else 0.0
    return gain / float(np.sqrt(variance))


def largely_above(ours: np.ndarray, theirs: np.ndarray, shares: bool) -> bool:
    """Whether our mean loss lies above theirs by what matters in use.

    Args:
        shares: the losses lie between 0 and 1.
    """
    mine, other = float(np.mean(ours)), float(np.mean(theirs))
    return mine - other >= LARGE_SHARE if shares else mine > LARGE_RATIO * other
