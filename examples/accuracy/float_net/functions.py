"""Functions of one value, and the softmax."""

from __future__ import annotations

import numpy as np

from .layer import Layer


class Identity(Layer):
    """QUANTIZE: another grid for the same real values."""

    def forward(self, x):
        return x

    def backward(self, dy):
        return (dy,)


class Clip(Layer):
    """RELU and RELU6.  At its limits the slope is zero."""

    def __init__(self, low: float, high: float):
        self.low, self.high = low, high

    def forward(self, x):
        self.passes = (x > self.low) & (x < self.high)
        return np.clip(x, self.low, self.high)

    def backward(self, dy):
        return (dy * self.passes,)


class LeakyRelu(Layer):
    def __init__(self, alpha: float):
        self.alpha = alpha

    def forward(self, x):
        self.slope = np.where(x < 0, x.dtype.type(self.alpha), x.dtype.type(1))
        return x * self.slope

    def backward(self, dy):
        return (dy * self.slope,)


class Logistic(Layer):
    def forward(self, x):
        self.y = sigmoid(x)
        return self.y

    def backward(self, dy):
        return (dy * self.y * (1 - self.y),)


class InverseRoot(Layer):
    """RSQRT, of what is positive."""

    def forward(self, x):
        self.x, self.y = x, 1 / np.sqrt(x)
        return self.y

    def backward(self, dy):
        return (dy * self.y / self.x / -2,)


class Tanh(Layer):
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy):
        return (dy * (1 - self.y**2),)


class HardSwish(Layer):
    """x * relu6(x + 3) / 6."""

    def forward(self, x):
        self.x = x
        return x * np.clip(x + 3, 0, 6) / 6

    def backward(self, dy):
        inner = (2 * self.x + 3) / 6
        return (dy * np.where(self.x <= -3, 0, np.where(self.x >= 3, 1, inner)),)


class Softmax(Layer):
    """Over the last axis, of ``beta`` times the input."""

    def __init__(self, beta: float):
        self.beta = beta

    def forward(self, x):
        self.p = softmax(self.beta * x)
        return self.p

    def backward(self, dy):
        mean = (dy * self.p).sum(axis=-1, keepdims=True)
        return (self.beta * self.p * (dy - mean),)


class LogSoftmax(Layer):
    """Over the last axis."""

    def forward(self, x):
        top = x - x.max(axis=-1, keepdims=True)
        y = top - np.log(np.exp(top).sum(axis=-1, keepdims=True))
        self.p = np.exp(y)
        return y

    def backward(self, dy):
        return (dy - self.p * dy.sum(axis=-1, keepdims=True),)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), without overflow."""
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small, 1) / (1 + small)


def softmax(x: np.ndarray) -> np.ndarray:
    """Over the last axis, without overflow."""
    p = np.exp(x - x.max(axis=-1, keepdims=True))
    return p / p.sum(axis=-1, keepdims=True)
