"""Sliding windows as arrays: gather patches, and scatter back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import DTypeLike

from edgetune.learn.program import Window


def patches(x: np.ndarray, window: Window, out_shape: tuple[int, ...], outside: int) -> np.ndarray:
    """Patches [out_h, out_w, kh, kw, c] of ``x`` [h, w, c]; cells outside hold ``outside``.

    They are read only: a view of one padded copy.
    """
    if _is_cell_by_cell(window, out_shape, x.shape):
        return x[:, :, None, None]
    height, width = _extent(window, out_shape, x.shape)
    wide = np.full((height, width, x.shape[2]), outside, x.dtype)
    top, left = window.pad
    wide[top : top + x.shape[0], left : left + x.shape[1]] = x
    down, along, deep = wide.strides
    return np.ndarray(
        (*out_shape[:2], *window.kernel, x.shape[2]), wide.dtype, wide, 0,
        (down * window.stride[0], along * window.stride[1],
         down * window.dilation[0], along * window.dilation[1], deep),
    )  # fmt: skip


def _is_cell_by_cell(
    window: Window, out_shape: tuple[int, ...], shape: tuple[int, ...]
) -> bool:
    """Whether each output reads the one cell that lies where it does."""
    return window.kernel == (1, 1) and window.pad == (0, 0) and out_shape[:2] == shape[:2]


def taps(window: Window) -> list[tuple[int, int]]:
    """Of the kernel, in the order of the weights."""
    return [(y, x) for y in range(window.kernel[0]) for x in range(window.kernel[1])]


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
    if _is_cell_by_cell(window, cells.shape, shape):
        return cells[:, :, 0, 0]
    return scatter_taps(lambda y, x: cells[:, :, y, x], window, cells.shape, shape, cells.dtype)


def scatter_taps(
    cells: Callable[[int, int], np.ndarray], window: Window, out_shape: tuple[int, ...],
    shape: tuple[int, ...], kind: DTypeLike = np.int64,
) -> np.ndarray:
    """`scatter` of cells [out_h, out_w, c] that are formed one tap of the window at a time."""
    (out_h, out_w), (down, along) = out_shape[:2], window.dilation
    total = np.zeros((*_extent(window, out_shape, shape), shape[2]), kind)
    for ky, kx in taps(window):
        y, x = ky * down, kx * along
        total[
            y : y + (out_h - 1) * window.stride[0] + 1 : window.stride[0],
            x : x + (out_w - 1) * window.stride[1] + 1 : window.stride[1],
        ] += cells(ky, kx)
    return total[
        window.pad[0] : window.pad[0] + shape[0], window.pad[1] : window.pad[1] + shape[1]
    ]
