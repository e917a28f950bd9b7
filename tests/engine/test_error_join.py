"""Errors of several readers are added as the numpy reference adds them, bit for bit and under the
undefined-behaviour sanitizer; and that reference against sums worked by hand."""

import numpy as np
import pytest
from c_engine import JoinC, address, i32, u32
from random_layers import errors
from thinned import thinned

from edgetune.learn.block import add_blocks
from edgetune.learn.lower.backward import Join

ENDS = (2**14, 2**15)  # of a join's multiplier
ONE = Join(2**14, 1)


def joined_c(library, a, b, join):
    """The sum as the engine makes it in the memory of ``a``."""
    (mantissa, exponent), (other, other_exponent) = a, b
    e, before = mantissa.copy(), other.copy()
    exponent = library.et_error_join(
        address(e), address(other), u32(e.size), JoinC(join.multiplier, join.shift),
        i32(exponent), i32(other_exponent),
    )
    np.testing.assert_array_equal(other, before)
    return e, exponent


def check(library, a, b, join):
    wide = [(mantissa.astype(np.int64), exponent) for mantissa, exponent in (a, b)]
    expected, exponent = add_blocks(*wide, join)
    got, got_exponent = joined_c(library, a, b, join)
    np.testing.assert_array_equal(got, expected)
    assert got_exponent == exponent
    return got


def random_join(rng):
    multiplier = rng.choice([*ENDS, int(rng.integers(ENDS[0], ENDS[1] + 1))])
    return Join(int(multiplier), int(rng.integers(-20, 20)))


@pytest.mark.parametrize("extreme", [False, True], ids=["random", "extreme"])
@pytest.mark.parametrize("apart", thinned([2, 20, 90], 3))
def test_random_blocks(library, apart, extreme):
    """``apart``: the most that exponents differ by; beyond 22 one of the two is lost."""
    rng = np.random.default_rng(41)
    for _ in range(150):
        count, join = int(rng.integers(1, 40)), random_join(rng)
        a, b = (errors(rng, (count,), extreme) for _ in range(2))
        a[rng.random(count) < rng.choice([0, 0.9])] = 0
        distance = int(rng.integers(-apart, apart + 1))
        exponent = int(rng.integers(-60, 60))
        check(library, (a, exponent), (b, exponent - join.shift + distance), join)


@pytest.mark.parametrize("multiplier", thinned(ENDS, 8))
@pytest.mark.parametrize("distance", [*range(-34, 35), -1000, 1000])
def test_every_distance_of_the_exponents(library, distance, multiplier):
    values = np.array([0, 1, -1, 2, -3, 63, 64, -64, 127, -127, 5, -100], np.int8)
    a, b = values, values[::-1].copy()
    check(library, (a, 3), (b, 3 + distance), Join(multiplier, 0))


def test_a_sum_that_grows_halves_what_was_written(library):
    """Each value is larger than the one before; the block halves in the memory it reads."""
    e = np.array([1, 3, 7, 15, 31, 63, 127, -127] * 3, np.int8)
    for join in (ONE, Join(2**15, 3), Join(2**14, -6)):
        check(library, (e, 0), (e, 0), join)


def test_errors_that_cancel(library):
    rng = np.random.default_rng(42)
    e = errors(rng, (30,))
    assert not check(library, (e, -5), (-e, -5), ONE).any()
    assert not check(library, (e, -5), (-e, -6), Join(2**15, 1)).any()
    rest = check(library, (e, 4), (-e, 4), Join(2**15 - 1, 0))  # all but 2**-15 cancels
    np.testing.assert_array_equal(rest, e)


def test_nothing_beside_something(library):
    e, none = np.array([100, -3, 0, 9], np.int8), np.zeros(4, np.int8)
    np.testing.assert_array_equal(check(library, (none, 0), (e, 0), ONE), e)
    np.testing.assert_array_equal(check(library, (e, 0), (none, 0), ONE), e)
    assert not check(library, (none, 7), (none, -7), ONE).any()


# -- worked by hand ----------------------------------------------------------------------------


@pytest.mark.parametrize("a, b, join, mantissas, exponent", [
    # 64 + 64 = 128 does not fit: 64 * 2; -1 + 1 = 0.
    (([64, -1], 0), ([64, 1], 0), ONE, [64, 0], 1),
    # 100 * 2**2 + 100 * 2**0 * 1/2 = 450 = 112.5 * 2**2; 3 * 4 + 127 / 2 = 75.5 = 18.875 * 4.
    (([100, 3], 2), ([100, 127], 0), Join(2**14, 0), [112, 18], 2),
    # 1 * 2**0 + 127 * 2**3 * 3/4 * 2**-2 = 191.5 = 95.75 * 2.
    (([1], 0), ([127], 3), Join(3 * 2**13, -2), [95], 1),
    # -100 * 2**4 + 1 * 2**0 = -1599 = -99.9 * 2**4, and to 7 bits toward zero -99.
    (([-100], 4), ([1], 0), ONE, [-99], 4),
    # Small sums keep the bits that the alignment gave: 1 - 3/4 * 1 = 1/4.
    (([1], 0), ([-1], 0), Join(3 * 2**13, 0), [64], -8),
])
def test_sums_worked_by_hand(a, b, join, mantissas, exponent):
    blocks = [(np.array(m, np.int64), e) for m, e in (a, b)]
    got, got_exponent = add_blocks(*blocks, join)
    assert (got.tolist(), got_exponent) == (mantissas, exponent)
