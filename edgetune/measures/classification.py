"""Measures of a model that gives one class of several."""

from __future__ import annotations

import numpy as np


def predicted_classes(outputs: np.ndarray) -> np.ndarray:
    """The class (n,) of each row of ``outputs`` (n, size): its largest, of equals the lowest."""
    return outputs.argmax(axis=1)


def accuracy(predicted: np.ndarray, actual: np.ndarray) -> float | None:
    """Share of ``predicted`` that equal ``actual``, both (n,): 0 to 1, None of no samples."""
    return float(np.mean(predicted == actual)) if len(actual) else None


def confusion(predicted: np.ndarray, actual: np.ndarray, size: int) -> np.ndarray:
    """How often each class was taken for each: int64 (size, size), [actual, predicted].

    Args:
        predicted, actual: class numbers (n,), 0 to ``size`` - 1.
    """
    pairs = np.asarray(actual, np.int64) * size + predicted
    return np.bincount(pairs, minlength=size * size).reshape(size, size)
