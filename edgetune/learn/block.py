"""Error tensors as 8-bit block floating point: int8 mantissas, one exponent a tensor.

``docs/numerics.md`` section 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgetune.learn.fixedpoint import bit_length

if TYPE_CHECKING:
    from edgetune.learn.lower.backward import Join


def normalise(acc: np.ndarray) -> tuple[np.ndarray, int]:
    """Mantissas ``acc / 2**shift`` truncated toward zero, |mantissa| <= 127, and ``shift``.

    Truncation composes: halving twice is quartering once.  So a kernel may halve what it has
    written whenever a value overflows, in any order, and ends with these same bits.
    """
    most = max(int(acc.max(initial=0)), -int(acc.min(initial=0)))
    shift = max(0, bit_length(most) - 7)
    return _halved(acc, shift), shift


def add_blocks(
    a: tuple[np.ndarray, int], b: tuple[np.ndarray, int], join: Join
) -> tuple[np.ndarray, int]:
    """``a`` + ``b`` * join.multiplier / 2**15 * 2**join.shift, each mantissas and an exponent.

    Both are brought to the larger exponent with 15 more bits, and their sum is normalised.
    """
    left, left_exponent = a[0] << 15, a[1]
    right, right_exponent = b[0] * join.multiplier, b[1] + join.shift
    exponent = max(left_exponent, right_exponent)
    total = _halved(left, exponent - left_exponent) + _halved(right, exponent - right_exponent)
    mantissa, shift = normalise(total)
    return mantissa, exponent - 15 + shift


def _halved(values: np.ndarray, bits: int) -> np.ndarray:
    """Divided by 2**bits, truncated toward zero: below zero the rest is added first."""
    bits = min(bits, 62)
    halved = values >> 63
    halved &= (1 << bits) - 1
    halved += values
    halved >>= bits
    return halved
