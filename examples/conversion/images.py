"""Handwritten digits as 16x16 images in 0..1, to train and to test small networks on.

They come from ``examples/digits``, so that nothing needs to be downloaded, or from an .npz file
of MNIST as Keras stores it (``x_train``, ``y_train``, ``x_test``, ``y_test``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

DIGITS = Path(__file__).parents[1] / "digits" / "digits.npz"
SIZE = 16
NORMAL = 5  # the autoencoder learns the digits below this one; the others are anomalies


@dataclass(frozen=True)
class Images:
    """``*_x``: float32 [n, 16, 16, 1] in 0..1.  ``*_y``: the digits, int64 [n]."""

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray


def load_images(path: Path | None = None) -> Images:
    """MNIST from ``path``, or the digits in this repository."""
    return mnist(path) if path else digits()


def digits() -> Images:
    """1400 digits to train on and 397 to test on.  Those stored sideways are turned back."""
    data = np.load(DIGITS)
    upright = np.rot90(data["tune_x"], -1, axes=(1, 2))
    train = np.concatenate([data["pretrain_x"], upright]), np.concatenate(
        [data["pretrain_y"], data["tune_y"]]
    )
    test = data["upright_test_x"], data["upright_test_y"]
    return Images(resized(train[0], 16), train[1].astype(int), resized(test[0], 16),
                  test[1].astype(int))


def mnist(path: Path) -> Images:
    data = np.load(path)
    train, test = (resized(data[f"x_{part}"][..., None], 255) for part in ("train", "test"))
    return Images(train, data["y_train"].astype(int), test, data["y_test"].astype(int))


def resized(images: np.ndarray, top: int) -> np.ndarray:
    """uint8 [n, h, w, 1] up to ``top`` as float32 [n, 16, 16, 1] in 0..1, by bilinear steps."""
    rows, columns = (_weights(length) for length in images.shape[1:3])
    x = images[..., 0] / np.float32(top)
    return np.einsum("ih,nhw,jw->nij", rows, x, columns, optimize=True)[..., None]


def _weights(length: int) -> np.ndarray:
    """float32 [16, length]: what each new pixel takes of each old one, at their centres."""
    at = np.clip((np.arange(SIZE) + 0.5) * length / SIZE - 0.5, 0, length - 1)
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(length))).astype(np.float32)


def flat(images: np.ndarray) -> np.ndarray:
    """The autoencoder's input, float32 [n, 64]: 2x2 pixels averaged."""
    n = len(images)
    return images.reshape(n, SIZE // 2, 2, SIZE // 2, 2).mean(axis=(2, 4)).reshape(n, -1)
