"""Exponential and logarithm in fixed point, as TFLite's int8 LOG_SOFTMAX has them, on integers of
32 bits.

Source: gemmlowp's ``exp_on_negative_values``, ``one_over_one_plus_x_for_x_in_0_1`` and TFLite's
``log_x_for_x_greater_than_or_equal_to_1``; ``docs/numerics.md`` section 2.
"""

from __future__ import annotations

LARGEST = 2**31 - 1
QUARTER = 1 << 24  # of 2**26
POWERS = (  # exp(-2**k), of 2**31, by the bit of a difference that stands for 2**k
    (24, 1672461947), (25, 1302514674), (26, 790015084), (27, 290630308), (28, 39332535),
    (29, 720401), (30, 242),
)
EXP_OF_EIGHTH, THIRD = 1895147668, 715827883
LN_2, ROOT_OF_HALF, FOURTH_ROOT_OF_HALF = 1488522236, 1518500250, 1805811301
ALPHA_N, ALPHA_D, ALPHA_I, ALPHA_F = 117049297, 127690142, 1057819769, 638450708
FIRST, SLOPE = 1515870810, -1010580540  # 48/17 and -32/17, of 2**29


def exponential(x: int) -> int:
    """``2**19 * exp(x / 2**26)`` of ``x`` <= 0."""
    if x == 0:
        return 1 << 19
    part = (x & (QUARTER - 1)) - QUARTER
    y = _near_zero(part << 5)
    for bit, power in POWERS:
        if (part - x) >> bit & 1:
            y = _high(y, power)
    return _halved(y, 12)


def _near_zero(x: int) -> int:
    """Of -1/4 <= x < 0, both of 2**31: a series around -1/8."""
    x += 1 << 28
    square = _high(x, x)
    cube, fourth = _high(square, x), _high(square, square)
    rest = _halved(_high(_halved(fourth, 2) + cube, THIRD) + square, 1)
    return EXP_OF_EIGHTH + _high(EXP_OF_EIGHTH, x + rest)


def logarithm(x: int) -> int:
    """``2**26 * ln(x / 2**19)`` of 2**19 <= ``x`` < 2**31."""
    zeros = 32 - x.bit_length()
    one = _doubled(_high(x << (zeros - 1), ROOT_OF_HALF), 1)
    room = 31 - _high(x, ROOT_OF_HALF).bit_length()
    other = _doubled(x, room)
    power = max((12 - zeros << 25) + (1 << 23), (12 - room << 25) - (1 << 23))
    r = min(one, other)
    p, q = (r + FOURTH_ROOT_OF_HALF + 1) >> 1, 2 * (r - FOURTH_ROOT_OF_HALF)
    square = _high(q, q)
    numerator = _high(q, r) + _high(_high(q, square), ALPHA_N)
    denominator = _high(p, ALPHA_I + q + _high(ALPHA_D, square)) + _high(ALPHA_F, q)
    fraction = _high(_halved(numerator, 6), _inverse(denominator))
    return _doubled(_high(power, LN_2) + fraction, 1)


def _inverse(x: int) -> int:
    """``1 / (1 + x)`` of 0 <= x < 1, both of 2**31: three steps of Newton's method."""
    half = (x + LARGEST + 1) >> 1
    y = FIRST + _high(half, SLOPE)
    for _ in range(3):
        y += _doubled(_high(y, (1 << 29) - _high(half, y)), 2)
    return _doubled(y, 1)


def _high(a: int, b: int) -> int:
    """The upper half of twice the product, rounded."""
    return (a * b + (1 << 30)) >> 31


def _halved(x: int, times: int) -> int:
    """Rounded half away from zero."""
    size = (abs(x) + (1 << (times - 1))) >> times
    return -size if x < 0 else size


def _doubled(x: int, times: int) -> int:
    return min(max(x << times, -LARGEST - 1), LARGEST)
