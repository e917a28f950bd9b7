"""Layers that reduce: pools over windows, means and largest values over whole axes."""

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


class Max(Layer):
    """The largest over ``axes``, none of them the batch; the gradient goes to the first of them."""

    def __init__(self, axes: tuple[int, ...], keep_dims: bool):
        self.axes, self.keep_dims = tuple(axes), keep_dims

    def forward(self, x):
        self.given = x.shape
        behind = tuple(range(-len(self.axes), 0))
        rows = np.moveaxis(x, self.axes, behind)
        self.moved, rows = rows.shape, rows.reshape((*rows.shape[: -len(self.axes)], -1))
        self.winner = rows.argmax(axis=-1)
        return x.max(axis=self.axes, keepdims=self.keep_dims)

    def backward(self, dy):
        rows = np.zeros((*self.winner.shape, math.prod(self.moved[-len(self.axes) :])), dy.dtype)
        dy = dy.reshape(self.winner.shape)
        np.put_along_axis(rows, self.winner[..., None], dy[..., None], -1)
        behind = tuple(range(-len(self.axes), 0))
        return (np.moveaxis(rows.reshape(self.moved), behind, self.axes),)


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
