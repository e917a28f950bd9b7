"""The inverse square root in fixed point, as TFLite's int8 RSQRT has it.

Source: TFLite's ``GetInvSqrtQuantizedMultiplierExp``: five steps of Newton's method on numbers of
three integer bits, from one.
"""

from __future__ import annotations

HALF_ROOT_OF_2 = 1518500250  # of 2**31
THREE_HALVES = 3 << 27  # of 2**28


def inverse_root(value: int) -> int:
    """``2**20 / sqrt(value)`` of an integer 0 < ``value`` < 2**27, rounded as the kernel does."""
    if value == 1:
        return _high(1 << 20, 2**31 - 1)
    pairs = (32 - value.bit_length() - 1) // 2 - 1  # of bits to the left
    shift = 11 - pairs
    number = value << (2 * pairs) >> 1
    half, x = (number + 1) >> 1, 1 << 28
    for _ in range(5):
        cube = _saturated(_high(_high(x, x), x) << 6)
        x = _saturated((_high(THREE_HALVES, x) - _high(half, cube)) << 3)
    root = _high(x, HALF_ROOT_OF_2)
    if shift < 0:
        root, shift = root << -shift, 0
    return _high(1 << (20 - shift), root)


def _high(a: int, b: int) -> int:
    """The upper half of twice the product, rounded half away from zero."""
    product = a * b
    size = (abs(product) + (1 << 30) - (product < 0)) >> 31
    return -size if product < 0 else size


def _saturated(value: int) -> int:
    return min(max(value, -(2**31)), 2**31 - 1)
