"""Sliding windows: their geometry, and views of the input under each of their taps."""

from __future__ import annotations

import numpy as np


def same_padding(size: int, reach: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME padding of one axis for windows ``reach`` cells long: (before, after)."""
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


class Windows:
    """``kernel``, ``strides`` and ``dilation`` are (height, width), ``padding`` TFLite's word."""

    def __init__(self, kernel, strides, padding: str, dilation=(1, 1)):
        self.kernel, self.strides, self.dilation = kernel, strides, dilation
        self.padding = padding
        self.reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]

    def enter(self, x: np.ndarray, fill: float = 0.0) -> np.ndarray:
        """``x`` padded by ``fill``; sets the output's height and width."""
        self.given = x.shape
        pads = [(0, 0), (0, 0)]
        if self.padding == "SAME":
            axes = zip(x.shape[1:3], self.reach, self.strides, strict=True)
            pads = [same_padding(*axis) for axis in axes]
        self.starts = [before for before, _ in pads]
        if any(map(any, pads)):
            x = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)
        axes = zip(x.shape[1:3], self.reach, self.strides, strict=True)
        self.out = [(n - k) // s + 1 for n, k, s in axes]
        self.padded = x.shape
        return x

    def leave(self, padded: np.ndarray) -> np.ndarray:
        """A padded gradient without its padding."""
        top, left = self.starts
        return padded[:, top : top + self.given[1], left : left + self.given[2]]

    def taps(self):
        """For every tap (i, j): its index and the slice of the padded input that it reads."""
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                yield (i, j), (slice(None), self._span(0, i), self._span(1, j))

    def _span(self, axis: int, tap: int) -> slice:
        first, stride = tap * self.dilation[axis], self.strides[axis]
        return slice(first, first + (self.out[axis] - 1) * stride + 1, stride)

    def patches(self, padded: np.ndarray) -> np.ndarray:
        """(n * positions, taps * channels): what each window reads, tap by tap."""
        views = [padded[at] for _, at in self.taps()]
        cells = views[0] if len(views) == 1 else np.stack(views, axis=3)
        return cells.reshape(len(padded) * self.out[0] * self.out[1], -1)

    def scatter(self, patches: np.ndarray) -> np.ndarray:
        """The gradient of ``enter``'s input from that of ``patches``: cells read twice add up."""
        shape = (self.padded[0], *self.out, *self.kernel, self.padded[3])
        cells, dx = patches.reshape(shape), np.zeros(self.padded, patches.dtype)
        for (i, j), at in self.taps():
            dx[at] += cells[:, :, :, i, j]
        return self.leave(dx)
