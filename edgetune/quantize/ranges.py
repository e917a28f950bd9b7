"""From a histogram to the real range that an int8 tensor covers.

Three rules.  ``minmax``: everything seen.  ``percentile``: all but a small share at each end, so
that single outliers do not cost everybody resolution.  ``mse``: the range with the smallest mean
squared error, rounding and clipping together.
"""

from __future__ import annotations

import numpy as np

from edgetune.model.graph import Quantization
from edgetune.quantize.histogram import Histogram

RULES = ("minmax", "percentile", "mse")
SMALLEST = 1e-6  # span of a tensor that is always zero
SHRINKS = np.linspace(1.0, 0.2, 81)


def choose_range(histogram: Histogram, rule: str, percentile: float) -> tuple[float, float]:
    """The range (low <= 0 <= high) for the values of ``histogram`` by one of ``RULES``.

    Args:
        percentile: in percent; the share that ``percentile`` keeps below the upper end, and
            above the lower.
    """
    low, high = min(histogram.low, 0.0), max(histogram.high, 0.0)
    if rule == "percentile":
        low, high = _percentile(histogram, percentile, low, high)
    elif rule == "mse":
        low, high = _least_error(histogram, low, high)
    return (low, high) if high - low >= SMALLEST else (low, low + SMALLEST)


def _percentile(histogram, percentile, low, high) -> tuple[float, float]:
    cumulative = np.cumsum(histogram.counts) / histogram.total
    centres = histogram.centres
    upper = centres[np.searchsorted(cumulative, percentile / 100)]
    lower = centres[np.searchsorted(cumulative, 1 - percentile / 100)]
    return max(low, min(float(lower), 0.0)), min(high, max(float(upper), 0.0))


def _least_error(histogram, low, high) -> tuple[float, float]:
    """Shrinks both ends together, then each by itself."""
    used = histogram.counts > 0
    values, counts = histogram.centres[used], histogram.counts[used].astype(np.float64)

    def best(candidates):
        errors = [_error(values, counts, *c) for c in candidates]
        return candidates[int(np.argmin(errors))]

    low, high = best([(low * s, high * s) for s in SHRINKS])
    low, high = best([(low * s, high) for s in SHRINKS])
    return best([(low, high * s) for s in SHRINKS])


def _error(values, counts, low, high) -> float:
    """Sum of squared errors of int8 over [low, high]."""
    if high - low < SMALLEST:
        return float(counts @ values**2)
    q = affine(low, high)
    scale, zero_point = q.scale[0], q.zero_point[0]
    grid = np.clip(np.rint(values / scale), -128 - zero_point, 127 - zero_point) * scale
    return float(counts @ (values - grid) ** 2)


def affine(low: float, high: float) -> Quantization:
    """Scale (a float32's value) and zero point for [low, high], zero being exact."""
    scale = np.float32((high - low) / 255)
    zero_point = int(np.clip(np.rint(-128 - low / scale), -128, 127))
    return quantization(float(scale), zero_point)


def quantization(scale: float, zero_point: int) -> Quantization:
    """One scale for a whole tensor."""
    return Quantization(np.array([scale], np.float64), np.array([zero_point], np.int64))


def clipped_share(histogram: Histogram, q: Quantization, low_too: bool = True) -> float:
    """Share of values more than a step outside the range of ``q``, 0..1.

    One step: SOFTMAX's 255/256 stands for a probability of one.
    """
    scale, zero_point = q.scale[0], q.zero_point[0]
    centres = histogram.centres
    outside = centres > (128 - zero_point) * scale * (1 + 1e-6)
    if low_too:
        outside |= centres < (-129 - zero_point) * scale
    return float(histogram.counts[outside].sum()) / max(histogram.total, 1)
