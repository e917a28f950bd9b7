"""How well a model gives its input back, and whether anomalies show in that."""

from __future__ import annotations

import numpy as np


def reconstruction_errors(outputs: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """The root of the mean squared error of each sample: float64 (n,) of two (n, ...), in the
    inputs' unit; values are compared in their order, whatever the shapes are."""
    outputs = np.asarray(outputs, np.float64).reshape(len(outputs), -1)
    inputs = np.asarray(inputs, np.float64).reshape(outputs.shape)
    return np.sqrt(((outputs - inputs) ** 2).mean(axis=1))
