"""Tensors that data is loaded for, and what tests of data's sources share."""

from __future__ import annotations

import numpy as np

from edgetune.data import load_data
from edgetune.model.graph import Quantization, Tensor

BYTE = 1 / 255


def tensor(*shape: int, scale: float = BYTE, zero_point: int = -128) -> Tensor:
    """An int8 input for one sample of ``shape``."""
    quantization = Quantization(np.array([scale]), np.array([zero_point]))
    return Tensor(0, "input", (1, *shape), "int8", quantization)


GREY, COLOUR = tensor(4, 6, 1), tensor(4, 6, 3)
SOUND = tensor(100, 1, scale=1 / 128, zero_point=0)


def assert_same(data, other):
    for name in ("tune_x", "tune_y", "test_x", "test_y"):
        np.testing.assert_array_equal(
            np.asarray(getattr(data, name)), np.asarray(getattr(other, name))
        )


def from_npz(folder, arrays, graph_input=COLOUR, **options):
    np.savez(folder / "expected.npz", x=arrays[0], y=arrays[1])
    options = {"split": 0.5, "scale": BYTE} | options
    return load_data(folder / "expected.npz", graph_input, **options)
