"""Layers that reduce: pools over windows, means and maxima over whole axes."""

from __future__ import annotations

import math

import numpy as np

from .layer import Layer
from .windows import Windows


class MaxPool(Layer):
    """The gradient goes to the first largest cell of each window."""

    def __init__(self, windows: Windows):
        self.windows = windows

    def forward(self, x):
        x = self.windows.enter(x, fill=-np.inf)
        stack = np.stack([x[at] for _, at in self.windows.taps()])
        self.winner = stack.argmax(axis=0)
        return stack.max(axis=0)

    def backward(self, dy):
        dx = np.zeros(self.windows.padded, dy.dtype)
        for k, (_, at) in enumerate(self.windows.taps()):
            dx[at] += dy * (self.winner == k)
        return (self.windows.leave(dx),)


class AveragePool(Layer):
    """The mean of the cells that lie inside the image."""

    def __init__(self, windows: Windows):
        self.windows = windows

    def forward(self, x):
        ones = self.windows.enter(np.ones((1, *x.shape[1:3], 1), x.dtype))
        self.share = 1 / sum(ones[at] for _, at in self.windows.taps())
        x = self.windows.enter(x)
        return sum(x[at] for _, at in self.windows.taps()) * self.share

    def backward(self, dy):
        dx = np.zeros(self.windows.padded, dy.dtype)
        dy = dy * self.share
        for _, at in self.windows.taps():
            dx[at] += dy
        return (self.windows.leave(dx),)


class Mean(Layer):
    """Over ``axes``, none of them the batch."""

    def __init__(self, axes: tuple[int, ...], keep_dims: bool):
        self.axes, self.keep_dims = tuple(axes), keep_dims

    def forward(self, x):
        self.given = x.shape
        return x.mean(axis=self.axes, keepdims=self.keep_dims)

    def backward(self, dy):
        kept = [1 if axis in self.axes else n for axis, n in enumerate(self.given)]
        count = math.prod(self.given[axis] for axis in self.axes)
        return (np.broadcast_to(dy.reshape(kept) / dy.dtype.type(count), self.given),)


class Max(Mean):
    """The gradient goes to the first largest cell."""

    def forward(self, x):
        self.given = x.shape
        behind = tuple(range(x.ndim - len(self.axes), x.ndim))
        cells = np.moveaxis(x, self.axes, behind)
        places = np.moveaxis(np.arange(x.size).reshape(x.shape), self.axes, behind)
        rows = (*cells.shape[: x.ndim - len(self.axes)], -1)
        first = cells.reshape(rows).argmax(axis=-1)[..., None]
        self.winner = np.take_along_axis(places.reshape(rows), first, axis=-1).reshape(-1)
        return x.max(axis=self.axes, keepdims=self.keep_dims)

    def backward(self, dy):
        dx = np.zeros(math.prod(self.given), dy.dtype)
        dx[self.winner] = dy.reshape(-1)
        return (dx.reshape(self.given),)
