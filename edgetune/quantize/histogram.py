"""What values a tensor takes, kept in bounded memory however many there are."""

from __future__ import annotations

import math

import numpy as np

BINS = 4096  # on either side of zero


class Histogram:
    """Counts of values in bins [k * width, (k + 1) * width) for k = -BINS .. BINS - 1.

    ``width`` is a power of two.  A value beyond the last bin doubles it as often as needed, two
    bins becoming one, so that histograms of any tensors can be added without loss of alignment.
    ``low`` and ``high`` are the exact extremes.
    """

    def __init__(self):
        self.counts = np.zeros(2 * BINS, np.int64)
        self.width = 0.0
        self.low, self.high = math.inf, -math.inf

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    @property
    def centres(self) -> np.ndarray:
        """The middle of each bin, but no further out than the extremes."""
        middles = (np.arange(-BINS, BINS) + 0.5) * self.width
        return np.clip(middles, self.low, self.high)

    def add(self, values: np.ndarray) -> None:
        """Counts finite ``values`` of any shape."""
        values = values.reshape(-1)
        low, high = float(values.min()), float(values.max())
        self._reach(max(abs(low), abs(high)))
        self.low, self.high = min(self.low, low), max(self.high, high)
        bins = np.floor(values / self.width).astype(np.int64) + BINS
        self.counts += np.bincount(np.clip(bins, 0, 2 * BINS - 1), minlength=2 * BINS)

    def merge(self, other: Histogram) -> None:
        """Adds the counts of another histogram."""
        if other.width == 0:
            return
        self._widen(other.width)
        copy = other.copy()
        copy._widen(self.width)
        self.counts += copy.counts
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)

    def copy(self) -> Histogram:
        result = Histogram()
        result.counts, result.width = self.counts.copy(), self.width
        result.low, result.high = self.low, self.high
        return result

    def _reach(self, magnitude: float) -> None:
        """Makes the last bin cover ``magnitude``."""
        needed = 2.0 ** math.ceil(math.log2(max(magnitude, 1e-30) / (BINS - 1)))
        self._widen(max(needed, self.width))

    def _widen(self, width: float) -> None:
        """Doubles the bins until they are ``width`` wide."""
        if self.width == 0:
            self.width = width
        while self.width < width:
            pairs = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.zeros_like(self.counts)
            self.counts[BINS // 2 : BINS // 2 + BINS] = pairs
            self.width *= 2
