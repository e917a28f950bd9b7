"""Sliding windows as arrays: gather patches, and scatter back."""

from __future__ import annotations

import numpy as np

from edgetune.learn.program import Window


def _indices(
    window: Window, shape: tuple[int, ...], out_shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of each (output row, kernel row) and (output column, kernel column)."""
    ys = np.arange(out_shape[0])[:, None] * window.stride[0] - window.pad[0]
    xs = np.arange(out_shape[1])[:, None] * window.stride[1] - window.pad[1]
    rows, columns = (np.arange(k) * d for k, d in zip(window.kernel, window.dilation))
    return ys + rows, xs + columns


def patches(x: np.ndarray, window: Window, out_shape: tuple[int, ...], outside: int) -> np.ndarray:
    """Patches [out_h, out_w, kh, kw, c] of ``x`` [h, w, c]; cells outside hold ``outside``."""
    ys, xs = _indices(window, x.shape, out_shape)
    cells = x[np.clip(ys, 0, x.shape[0] - 1)][:, :, np.clip(xs, 0, x.shape[1] - 1)]
    inside = (
        ((ys >= 0) & (ys < x.shape[0]))[:, :, None, None]
        & ((xs >= 0) & (xs < x.shape[1]))[None, None]
    )
    cells = np.where(inside[..., None], cells, outside)  # [oh, kh, ow, kw, c]
    return cells.transpose(0, 2, 1, 3, 4)


def scatter(cells: np.ndarray, window: Window, shape: tuple[int, ...]) -> np.ndarray:
    """Sum of ``cells`` [out_h, out_w, kh, kw, c] into [h, w, c], the adjoint of ``patches``."""
    (out_h, out_w, kh, kw, channels), (down, along) = cells.shape, window.dilation
    rows = max((out_h - 1) * window.stride[0] + (kh - 1) * down + 1, shape[0] + window.pad[0])
    cols = max((out_w - 1) * window.stride[1] + (kw - 1) * along + 1, shape[1] + window.pad[1])
    total = np.zeros((rows, cols, channels), cells.dtype)
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
