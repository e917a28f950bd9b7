"""Layers that move values, or set them between others: views, padding, copies, concatenation,
bilinear resizing."""

from __future__ import annotations

import numpy as np

from .layer import Layer


class Reshape(Layer):
    """To ``shape``, whose first dimension is the batch."""

    def __init__(self, shape: tuple[int, ...]):
        self.shape = tuple(shape[1:])

    def forward(self, x):
        self.given = x.shape
        return x.reshape((len(x), *self.shape))

    def backward(self, dy):
        return (dy.reshape(self.given),)


class Pad(Layer):
    """``paddings``: (before, after) for every axis; the padded cells hold ``fill``."""

    fill = 0.0

    def __init__(self, paddings: np.ndarray):
        self.paddings = [tuple(int(n) for n in pair) for pair in paddings]

    def forward(self, x):
        self.given = x.shape
        return np.pad(x, self.paddings, constant_values=self.fill)

    def backward(self, dy):
        starts = [before for before, _ in self.paddings]
        return (dy[tuple(slice(s, s + n) for s, n in zip(starts, self.given, strict=True))],)


class Take(Layer):
    """Elements by their flat ``places`` in one sample; ``places`` has the output's shape with a
    batch of one."""

    def __init__(self, places: np.ndarray):
        self.places, self.shape = places.reshape(-1), places.shape[1:]

    def forward(self, x):
        self.given = x.shape
        return x.reshape(len(x), -1)[:, self.places].reshape((len(x), *self.shape))

    def backward(self, dy):
        dx = np.zeros((self.given[0], int(np.prod(self.given[1:]))), dy.dtype)
        np.add.at(dx, (slice(None), self.places), dy.reshape(len(dy), -1))
        return (dx.reshape(self.given),)


class Concatenate(Layer):
    """Along ``axis``, which is not the batch.  A constant operand comes as a batch of one."""

    def __init__(self, axis: int):
        self.axis = axis

    def forward(self, *inputs):
        count = max(len(x) for x in inputs)
        inputs = [np.broadcast_to(x, (count, *x.shape[1:])) for x in inputs]
        self.ends = np.cumsum([x.shape[self.axis] for x in inputs])[:-1]
        return np.concatenate(inputs, self.axis)

    def backward(self, dy):
        return tuple(np.split(dy, self.ends, self.axis))


class Bilinear(Layer):
    """RESIZE_BILINEAR, as a matrix (out, in) for the rows and one for the columns."""

    def __init__(self, rows: np.ndarray, columns: np.ndarray):
        self.rows, self.columns = rows, columns

    def forward(self, x):
        return _between(x, self.rows, self.columns)

    def backward(self, dy):
        return (_between(dy, self.rows.T, self.columns.T),)


def _between(x: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return np.einsum("nhwc,Hh,Ww->nHWc", x, rows, columns, optimize=True).astype(x.dtype)
