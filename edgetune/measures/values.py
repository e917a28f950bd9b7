"""Measures of real values, in the unit that they are in."""

from __future__ import annotations

import numpy as np


def mae(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The mean absolute error of each output: (size,) of two (n, size), n above 0."""
    return np.abs(_errors(outputs, targets)).mean(axis=0)


def rmse(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The root of the mean squared error of each output: (size,) of two (n, size), n above 0."""
    return np.sqrt((_errors(outputs, targets) ** 2).mean(axis=0))


def _errors(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.asarray(outputs, np.float64) - targets
