"""Losses: the value for a batch, and its slope by what the network puts out.

``outputs`` (n, outputs) float.  ``closing``: operators at a model's end that belong to the
loss, which then reads that operator's input.  Several outputs of a sample are averaged.
"""

from __future__ import annotations

import numpy as np

from .functions import sigmoid, softmax


class Loss:
    closing: tuple[str, ...] = ()

    def target(self, x: np.ndarray, given: np.ndarray) -> np.ndarray:
        """What the outputs are to be, from the samples ``x`` (n, ...) and what is known of them."""
        return given

    def value(self, outputs: np.ndarray, target: np.ndarray) -> float:
        raise NotImplementedError

    def slope(self, outputs: np.ndarray, target: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class SoftmaxCrossEntropy(Loss):
    """Targets: class numbers (n,)."""

    closing = ("SOFTMAX", "LOG_SOFTMAX")

    def target(self, x, given):
        return np.reshape(given, len(x))

    def value(self, outputs, target):
        top = outputs.max(axis=1)
        logs = np.log(np.exp(outputs - top[:, None]).sum(axis=1)) + top
        return float((logs - outputs[np.arange(len(outputs)), target]).mean())

    def slope(self, outputs, target):
        error = softmax(outputs)
        error[np.arange(len(outputs)), target] -= 1
        return error / outputs.dtype.type(len(outputs))


class Elementwise(Loss):
    """A mean over all outputs of all samples.  Targets: (n, outputs), or (outputs,) for one."""

    def target(self, x, given):
        return np.reshape(given, (len(x), -1))

    def value(self, outputs, target):
        return float(self.each(outputs, target).mean())

    def slope(self, outputs, target):
        return (self.slopes(outputs, target) / outputs.size).astype(outputs.dtype)

    def each(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        """The loss of each output."""
        raise NotImplementedError

    def slopes(self, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        """The derivative of each."""
        raise NotImplementedError


class SigmoidCrossEntropy(Elementwise):
    """Binary cross-entropy of one or several outputs.  Targets: 0 .. 1."""

    closing = ("LOGISTIC",)

    def each(self, y, t):
        return np.maximum(y, 0) - y * t + np.log1p(np.exp(-np.abs(y)))

    def slopes(self, y, t):
        return sigmoid(y) - t


class MeanSquaredError(Elementwise):
    """Targets in the output's real units."""

    def each(self, y, t):
        return (y - t) ** 2

    def slopes(self, y, t):
        return 2 * (y - t)


class Huber(Elementwise):
    """Half the square up to ``delta``, in the output's real units; a straight line beyond."""

    def __init__(self, delta: float = 1.0):
        self.delta = delta

    def each(self, y, t):
        size = np.abs(y - t)
        near = np.minimum(size, self.delta)
        return near * (size - near / 2)

    def slopes(self, y, t):
        return np.clip(y - t, -self.delta, self.delta)


class Reconstruction(MeanSquaredError):
    """An autoencoder's: the target is the input, whatever is given."""

    def target(self, x, given=None):
        return x.reshape(len(x), -1)
