"""Layers with weights and biases: dense, convolution, depthwise convolution."""

from __future__ import annotations

import numpy as np

from .layer import Layer
from .windows import Windows


class Weighted(Layer):
    """``backward`` sets ``d_weights`` and ``d_bias``, and gives the input's gradient if wanted.

    ``operator``: its index in the Graph.  ``fill``: what the cells around an image hold.
    """

    wants_dx = True
    operator = -1
    fill = 0.0

    def __init__(self, weights: np.ndarray, bias: np.ndarray):
        self.weights, self.bias = weights, bias

    @property
    def parameters(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Weights and bias, each with its gradient."""
        return [(self.weights, self.d_weights), (self.bias, self.d_bias)]

    def absorb(self, mean: float, deviation: float) -> None:
        """The same function of (x - mean) / deviation as it was of x."""
        axes = tuple(i for i in range(self.weights.ndim) if i != self.channel_axis)
        self.bias += self.weights.sum(axis=axes) * self.bias.dtype.type(mean)
        self.weights *= self.weights.dtype.type(deviation)
        self.fill = -mean / deviation


class Dense(Weighted):
    """Weights (out, in), of one vector of a sample or of each of several; ``shape`` of the output,
    its first dimension the batch."""

    channel_axis = 0

    def __init__(self, weights, bias, shape: tuple[int, ...]):
        super().__init__(weights, bias)
        self.shape = tuple(shape[1:])

    def forward(self, x):
        self.given, self.x = x.shape, x.reshape(-1, self.weights.shape[1])
        return (self.x @ self.weights.T + self.bias).reshape(len(x), *self.shape)

    def backward(self, dy):
        dy = dy.reshape(len(self.x), -1)
        self.d_weights, self.d_bias = dy.T @ self.x, dy.sum(axis=0)
        return ((dy @ self.weights).reshape(self.given) if self.wants_dx else None,)


class Conv(Weighted):
    """Weights (out, height, width, in / groups); each group of outputs reads its own inputs."""

    channel_axis = 0

    def __init__(self, weights, bias, windows: Windows):
        super().__init__(weights, bias)
        self.windows = windows

    def forward(self, x):
        self.groups = x.shape[3] // self.weights.shape[3]
        cells = self.windows.patches(self.windows.enter(x, self.fill))
        cells = cells.reshape(len(cells), -1, self.groups, self.weights.shape[3])
        self.patches = np.moveaxis(cells, 2, 0).reshape(self.groups, len(cells), -1)
        y = self.patches @ self._flat().swapaxes(1, 2)  # (groups, positions, out / groups)
        return (_joined(y) + self.bias).reshape(len(x), *self.windows.out, -1)

    def backward(self, dy):
        dy = dy.reshape(-1, dy.shape[-1])
        self.d_bias = dy.sum(axis=0)
        parts = dy.reshape(len(dy), self.groups, -1).swapaxes(0, 1)
        self.d_weights = (parts.swapaxes(1, 2) @ self.patches).reshape(self.weights.shape)
        if not self.wants_dx:
            return (None,)
        cells = (parts @ self._flat()).reshape(self.groups, -1, self.weights.shape[3])
        return (self.windows.scatter(_joined(cells)),)

    def _flat(self):
        return self.weights.reshape(self.groups, len(self.weights) // self.groups, -1)


def _joined(parts: np.ndarray) -> np.ndarray:
    """Groups (groups, n, channels of one) side by side: (n, channels)."""
    return parts.swapaxes(0, 1).reshape(parts.shape[1], -1)


class Transposed(Weighted):
    """Weights (out, height, width, in); ``windows`` slide over the output of ``size``, one for each
    cell of the input."""

    channel_axis = 0

    def __init__(self, weights, bias, windows: Windows, size: tuple[int, int]):
        super().__init__(weights, bias)
        self.windows, self.size = windows, size

    def forward(self, x):
        self.x = x.reshape(-1, x.shape[3])
        self.windows.enter(np.zeros((len(x), *self.size, len(self.weights)), x.dtype))
        return self.windows.scatter(self.x @ self._by_tap().T) + self.bias

    def backward(self, dy):
        cells = self.windows.patches(self.windows.enter(dy))
        d_weights = (cells.T @ self.x).reshape(*self.windows.kernel, *self.weights.shape[::3])
        self.d_weights, self.d_bias = d_weights.transpose(2, 0, 1, 3), dy.sum(axis=(0, 1, 2))
        if not self.wants_dx:
            return (None,)
        return ((cells @ self._by_tap()).reshape(len(dy), *self.windows.out, -1),)

    def absorb(self, mean, deviation):
        raise ValueError("the cells around an image add to the outputs at its edges")

    def _by_tap(self):
        return self.weights.transpose(1, 2, 0, 3).reshape(-1, self.weights.shape[3])


class Depthwise(Weighted):
    """Weights (1, height, width, out); each input channel serves out / in outputs in a row."""

    channel_axis = 3

    def __init__(self, weights, bias, windows: Windows):
        super().__init__(weights, bias)
        self.windows = windows

    def forward(self, x):
        self.multiplier = self.weights.shape[3] // x.shape[3]
        x = self.windows.enter(x, self.fill)
        self.x = x if self.multiplier == 1 else np.repeat(x, self.multiplier, axis=3)
        taps = self.windows.taps()
        return sum(self.x[at] * self.weights[0, i, j] for (i, j), at in taps) + self.bias

    def backward(self, dy):
        self.d_weights = np.empty_like(self.weights)
        self.d_bias = dy.sum(axis=(0, 1, 2))
        for (i, j), at in self.windows.taps():
            self.d_weights[0, i, j] = (dy * self.x[at]).sum(axis=(0, 1, 2))
        return (self._dx(dy) if self.wants_dx else None,)

    def _dx(self, dy):
        dx = np.zeros(self.x.shape, dy.dtype)
        for (i, j), at in self.windows.taps():
            dx[at] += dy * self.weights[0, i, j]
        if self.multiplier > 1:
            dx = dx.reshape(*dx.shape[:3], -1, self.multiplier).sum(axis=4)
        return self.windows.leave(dx)
