"""Fixed-point arithmetic of the int8 specification, on int64 arrays.

Source: the TFLite 8-bit quantization specification and its reference kernels, whose
requantisation rounds twice.  ``docs/numerics.md`` section 2.
"""

from __future__ import annotations

import math

import numpy as np


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Write ``real`` >= 0 as ``multiplier * 2**(shift - 31)``, multiplier in [2**30, 2**31).

    Returns (0, 0) for zero and for values too small to matter (shift below -31).
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    # TFLite rounds half away from zero; fraction * 2**31 is exact in a double.
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier //= 2
        shift += 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def channel_ratios(multiplier: np.ndarray, shift: np.ndarray) -> np.ndarray | None:
    """The numbers of `quantize_multiplier` over the largest one, uint16 in Q15; None where all are
    as large.  ``docs/numerics.md`` section 4."""
    if not multiplier.any():
        return None
    most_shift = int(shift[multiplier > 0].max())
    most = int(multiplier[shift == most_shift].max())
    high = multiplier.astype(np.int64) * (2**61 // most) >> 32
    drop = np.clip(13 + most_shift - shift, 0, 31)  # below 0 of a multiplier 0, whose shift is 0
    ratio = ((high >> drop) + 1 >> 1).astype(np.uint16)
    return ratio if (ratio != 2**15).any() else None


def rounding_divide_by_power_of_two(x: np.ndarray, exponent: np.ndarray | int) -> np.ndarray:
    """``x / 2**exponent``, rounded half away from zero."""
    half = np.left_shift(1, exponent, dtype=np.int64) >> 1
    below = (x >> 63) & np.minimum(half, 1)  # 1 below zero, unless nothing is divided
    return (x + (half - below)) >> exponent


def multiply_by_quantized_multiplier(
    x: np.ndarray, multiplier: np.ndarray | int, shift: np.ndarray | int
) -> np.ndarray:
    """``x * multiplier * 2**(shift - 31)`` with the double rounding of the reference kernels.

    Args:
        x: int64 array of int32 values; the last axis is the channel where ``multiplier``
            and ``shift`` are arrays.
    """
    left, right = np.maximum(shift, 0), np.maximum(-np.asarray(shift), 0)
    product = (x << left) * np.int64(multiplier)
    # Rounding doubling high multiply.  The reference adds 2^30, or 1 - 2^30 below zero, and then
    # truncates toward zero: that is the floor of the sum with 2^30 for either sign.
    product += 1 << 30
    product >>= 31
    return rounding_divide_by_power_of_two(product, right)


def bit_length(value: int) -> int:
    """Number of bits of ``value`` >= 0; zero has none."""
    return int(value).bit_length()


def quotient(value: int, divisor: int) -> int:
    """``value`` / ``divisor`` > 0, truncated toward zero as C's is."""
    return value // divisor if value >= 0 else -(-value // divisor)
