"""Samples in memory and in files."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def arrays():
    """Twenty colour images and their labels."""
    random = np.random.default_rng(3)
    return random.integers(0, 256, (20, 4, 6, 3)).astype(np.uint8), np.arange(20) % 2


@pytest.fixture
def pair(tmp_path, arrays):
    """The images as an .npy pair: the arguments of `load_data` that name it."""
    np.save(tmp_path / "x.npy", arrays[0])
    np.save(tmp_path / "y.npy", arrays[1])
    return {"path": tmp_path / "x.npy", "labels": tmp_path / "y.npy"}


@pytest.fixture
def pillow():
    return pytest.importorskip("PIL.Image", reason="Pillow is not installed")
