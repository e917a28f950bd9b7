"""Sliding windows as arrays: gather patches, and scatter back."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from edgetune.learn.program import Window


def patches(x: np.ndarray, window: Window, out_shape: tuple[int, ...], outside: int) -> np.ndarray:
    """Patches [out_h, out_w, kh, kw, c] of ``x`` [h, w, c]; cells outside hold ``outside``.

    They are read only: a view of one padded copy.
    """
    height, width = _extent(window, out_shape, x.shape)
    wide = np.full((height, width, x.shape[2]), outside, x.dtype)
    top, left = window.pad
    wide[top : top + x.shape[0], left : left + x.shape[1]] = x
    down, along, deep = wide.strides
    return as_strided(
        wide, (*out_shape[:2], *window.kernel, x.shape[2]),
        (down * window.stride[0], along * window.stride[1],
         down * window.dilation[0], along * window.dilation[1], deep),
        writeable=False,
    )  # fmt: skip


def _extent(
    window: Window, out_shape: tuple[int, ...], shape: tuple[int, ...]
) -> tuple[int, ...]:
    """Rows and columns that hold all windows and the whole input, where padding begins at 0."""
    return tuple(
        max((out - 1) * stride + (kernel - 1) * dilation + 1, size + pad)
        for out, stride, kernel, dilation, size, pad in zip(
            out_shape, window.stride, window.kernel, window.dilation, shape, window.pad
        )
    )


def scatter(cells: np.ndarray, window: Window, shape: tuple[int, ...]) -> np.ndarray:
    """Sum of ``cells`` [out_h, out_w, kh, kw, c] into [h, w, c], the adjoint of ``patches``."""
    (out_h, out_w, kh, kw, channels), (down, along) = cells.shape, window.dilation
    if (kh, kw, out_h, out_w) == (1, 1, *shape[:2]) and window.pad == (0, 0):
        return cells[:, :, 0, 0]
    total = np.zeros((*_extent(window, cells.shape, shape), channels), cells.dtype)
    for ky in range(kh):
        for kx in range(kw):
            y, x = ky * down, kx * along
            total[
                y : y + (out_h - 1) * window.stride[0] + 1 : window.stride[0],
                x : x + (out_w - 1) * window.stride[1] + 1 : window.stride[1],
            ] += cells[:, :, ky, kx]
    return total[
        window.pad[0] : window.pad[0] + shape[0], window.pad[1] : window.pad[1] + shape[1]
    ]
