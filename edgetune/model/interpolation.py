"""Where RESIZE_BILINEAR puts the rows and columns of its output between those of its input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

STEPS = 1 << 10  # from one row of the input to the next, in TFLite's int8 kernel


class Between(NamedTuple):
    """For each place of the output the row of the input before it, the one behind it (itself
    where it lies on one), and what it takes of the one behind; arrays [out]."""

    before: np.ndarray
    behind: np.ndarray
    part: np.ndarray


class Interpolation(NamedTuple):
    """One axis in integers: place i of ``out`` lies at ``i * step + first`` among the ``size`` of
    the input, `STEPS` a row, and never outside of them."""

    size: int
    out: int
    step: int
    first: int

    @property
    def beyond(self) -> bool:
        """Whether TFLite's kernel reads behind the input's last row: the step, which it rounds,
        adds up to a row too much."""
        return (self.out - 1) * self.step + self.first >= self.size * STEPS

    @property
    def between(self) -> Between:
        """``part`` in `STEPS`, int64."""
        places = np.arange(self.out, dtype=np.int64) * self.step + self.first
        before, part = np.divmod(np.clip(places, 0, (self.size - 1) * STEPS), STEPS)
        return Between(before, before + (part > 0), part)


def interpolations(
    shape: Sequence[int], size: np.ndarray, options: dict
) -> tuple[Interpolation, Interpolation]:
    """Rows and columns of an image of ``shape``, [batch, height, width, channels]."""
    rows, columns = (
        _interpolation(int(n), int(out), options) for n, out in zip(shape[1:3], size.reshape(-1))
    )
    return rows, columns


def _interpolation(size: int, out: int, options: dict) -> Interpolation:
    inner, outer = _spans(size, out, options)
    step = (STEPS * inner + outer // 2) // outer
    first = step // 2 - STEPS // 2 if options["half_pixel_centers"] else 0
    return Interpolation(size, out, step, first)


def real_between(size: int, out: int, options: dict) -> Between:
    """One axis in TFLite's float kernel, ``part`` of 1, float32."""
    inner, outer = _spans(size, out, options)
    scale, offset = np.float32(inner) / np.float32(outer), np.float32(0)
    if options["half_pixel_centers"]:
        offset = np.float32(0.5)
    places = (np.arange(out, dtype=np.float32) + offset) * scale - offset
    places = np.clip(places, 0, size - 1)
    before = np.floor(places).astype(np.int64)
    part = (places - before).astype(np.float32)
    return Between(before, before + (part > 0), part)


def _spans(size: int, out: int, options: dict) -> tuple[int, int]:
    """What is stretched over what."""
    corners = options["align_corners"] and out > 1
    return (size - 1, out - 1) if corners else (size, out)
