"""Numbers of 24 bits and an exponent, against fractions; the C engine's are the same."""

import ctypes
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from c_engine import COMPILER, ENGINE, build, i32, structure, u32
from thinned import thinned

from edgetune.learn.scaled import MOST, Scaled, scaled, scaled_real

CALLS = Path(__file__).parents[1] / "support/scaled_calls.c"
ScaledC = structure(mantissa=u32, exponent=i32)
VALUES = [
    scaled(value, exponent)
    for value in (0, 1, 3, 2**23, 2**24 - 1, 2**24, 0xABCDEF12, 2**63 + 12345, 2**64 - 1)
    for exponent in (-60, -24, -1, 0, 7)
]


def real(value: Scaled) -> Fraction:
    return Fraction(value.mantissa) * Fraction(2) ** value.exponent


def near(got: Scaled, expected: Fraction) -> bool:
    """Truncated to 24 bits: at most 2^-23 of it too small."""
    assert got.mantissa == 0 or 2**23 <= got.mantissa < 2**24
    return expected * (1 - Fraction(1, 2**22)) <= real(got) <= expected


@pytest.mark.parametrize("a", thinned(VALUES, 15))
def test_operations_truncate_to_24_bits(a):
    for b in VALUES:
        assert near(a * b, real(a) * real(b)) and near(a + b, real(a) + real(b))
        if b.mantissa:
            assert near(a / b, real(a) / real(b))
    assert near(a.times_ratio(63, 64), real(a) * 63 / 64)
    assert a.to_q16() == min(int(real(a) * 2**16), MOST)


def test_a_real_becomes_the_nearest():
    assert scaled_real(1.0) == (2**23, -23) and scaled_real(0.1) == (13421773, -27)
    assert scaled_real(1 - 2.0**-30) == scaled_real(1.0)  # it rounds up to a power of two


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    loaded = build(tmp_path_factory.mktemp("scaled"), f"-I{ENGINE}", sources=(CALLS,))
    for name in ("of", "product", "quotient", "sum", "ratio"):
        getattr(loaded, name).restype = ScaledC
    loaded.of.argtypes = [ctypes.c_uint64, i32]
    loaded.q16.restype = u32
    return loaded


@pytest.mark.skipif(COMPILER is None, reason="needs a C compiler for this computer")
def test_the_engine_works_out_the_same(library):
    def c(value):
        return ScaledC(*value)

    def same(got, expected):
        assert (got.mantissa, got.exponent) == expected

    for value in (0, 1, 2**24 - 1, 2**24, 2**40 + 1, 2**64 - 1):
        same(library.of(value, -5), scaled(value, -5))
    mantissas = np.random.default_rng(0).integers(2**23, 2**24, (500, 2)).tolist()
    for a, b in [(Scaled(a, -3), Scaled(b, 5)) for a, b in mantissas]:
        same(library.product(c(a), c(b)), a * b)
        same(library.quotient(c(a), c(b)), a / b)
    for a in VALUES:
        same(library.ratio(c(a), u32(63), u32(64)), a.times_ratio(63, 64))
        assert library.q16(c(a)) == a.to_q16()
        for b in VALUES:
            same(library.product(c(a), c(b)), a * b)
            same(library.sum(c(a), c(b)), a + b)
            if b.mantissa:
                same(library.quotient(c(a), c(b)), a / b)


def test_sums_drop_what_is_too_small_to_count():
    one = scaled(1)
    assert one + scaled(1, -23) == (2**23 + 1, -23)
    assert one + scaled(1, -24) == one == one + scaled(1, -200) == scaled(1, -200) + one
    assert np.all([value + Scaled() == value for value in VALUES])
