"""MNIST's digits of ``mnist.npz`` for networks of other depths and kinds, and their shifts.

Needs numpy only.  Images are float32 [n, size, size], 0..1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from places import present

SIDE = 28
FROM_RANDOM = "linear", "hidden", "convolutional"  # networks that learn from nothing, by name


def digits(path: Path, part: str, size: int = SIDE) -> tuple[np.ndarray, np.ndarray]:
    """Images and their classes, int64 [n].

    Args:
        part: "train" or "test".
        size: 28, or a part of it: means of squares.
    """
    with np.load(present(path)) as archive:
        images = archive[f"x_{part}"].reshape(-1, SIDE, SIDE).astype(np.float32) / 255
        labels = archive[f"y_{part}"].reshape(-1).astype(np.int64)
    step = SIDE // size
    return images.reshape(-1, size, step, size, step).mean(axis=(2, 4)), labels


def rotated(images: np.ndarray, degrees: float) -> np.ndarray:
    """Turned about the centre, clockwise as shown; between pixels bilinear, 0 outside."""
    rows, columns = np.mgrid[: images.shape[1], : images.shape[2]]
    middle = (images.shape[1] - 1) / 2, (images.shape[2] - 1) / 2
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    down, right = rows - middle[0], columns - middle[1]
    y, x = cos * down - sin * right + middle[0], sin * down + cos * right + middle[1]
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    return sum(
        _pixels(images, top + i, left + j) * (1 - abs(y - top - i)) * (1 - abs(x - left - j))
        for i in (0, 1) for j in (0, 1)
    ).astype(np.float32)


def _pixels(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """[n, *rows.shape]; 0 outside the image."""
    height, width = images.shape[1:]
    inside = (0 <= rows) & (rows < height) & (0 <= columns) & (columns < width)
    return images[:, rows.clip(0, height - 1), columns.clip(0, width - 1)] * inside


def inverted(images: np.ndarray) -> np.ndarray:
    """Black on white."""
    return 1 - images


def low_contrast(images: np.ndarray) -> np.ndarray:
    """Between 0.3 and 0.65."""
    return 0.35 * images + np.float32(0.3)
