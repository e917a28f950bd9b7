"""Optimisers: they move layers' weights and biases down the last gradient."""

from __future__ import annotations

import numpy as np


class Sgd:
    """Plain gradient descent."""

    def update(self, layers: list, rate: float) -> None:
        """One step of every one of ``layers`` (``Weighted``)."""
        rate = np.float32(rate)
        for layer in layers:
            for value, gradient in layer.parameters:
                value -= rate * gradient


class Adam:
    """Kingma and Ba, arXiv 1412.6980, algorithm 1, with the paper's settings."""

    FIRST, SECOND, EPSILON = 0.9, 0.999, 1e-8

    def __init__(self):
        self.steps = 0
        self.moments: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}

    def update(self, layers: list, rate: float) -> None:
        """One step of every one of ``layers`` (``Weighted``), the same ones in every call."""
        self.steps += 1
        for i, layer in enumerate(layers):
            for j, (value, gradient) in enumerate(layer.parameters):
                value -= self._step((i, j), gradient, rate)

    def _step(self, key, gradient: np.ndarray, rate: float) -> np.ndarray:
        if key not in self.moments:
            self.moments[key] = np.zeros_like(gradient), np.zeros_like(gradient)
        mean, square = self.moments[key]
        mean += (1 - self.FIRST) * (gradient - mean)
        square += (1 - self.SECOND) * (gradient * gradient - square)
        unbiased = 1 - self.FIRST**self.steps, 1 - self.SECOND**self.steps
        return rate / unbiased[0] * mean / (np.sqrt(square / unbiased[1]) + self.EPSILON)
