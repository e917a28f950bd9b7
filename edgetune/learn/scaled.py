"""Positive numbers as a mantissa of 24 bits and an exponent, in integers.

What a rule measures spans more than 32 bits, and every engine has to round it alike: each
operation truncates.  ``docs/numerics.md`` section 5.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from edgetune.dataclass import dataclass
from edgetune.learn.fixedpoint import bit_length
from edgetune.learn.words import signed

BITS = 24
MOST = 2**32 - 1


class Scaled(NamedTuple):
    """``mantissa * 2**exponent``; the mantissa has its 24th bit set, or both are 0."""

    mantissa: int = 0
    exponent: int = 0

    def __mul__(self, other: Scaled) -> Scaled:  # type: ignore[override]
        return scaled(self.mantissa * other.mantissa, self.exponent + other.exponent)

    def __truediv__(self, other: Scaled) -> Scaled:
        """``other`` is not 0."""
        quotient = (self.mantissa << BITS) // other.mantissa
        return scaled(quotient, self.exponent - other.exponent - BITS)

    def __add__(self, other: Scaled) -> Scaled:  # type: ignore[override]
        if not self.mantissa or not other.mantissa:
            return self if self.mantissa else other
        exponent = max(self.exponent, other.exponent)
        a, b = (v.mantissa >> (exponent - v.exponent) for v in (self, other))
        return scaled(a + b, exponent)

    def times_ratio(self, numerator: int, denominator: int) -> Scaled:
        """Times a fraction of whole numbers below 2**8."""
        return scaled(self.mantissa * numerator // denominator, self.exponent)

    def to_q16(self) -> int:
        """In Q16, at most 2**32 - 1."""
        shift = self.exponent + 16
        if shift > 32 - BITS:
            return MOST if self.mantissa else 0
        return self.mantissa << shift if shift >= 0 else self.mantissa >> -shift


def scaled(value: int, exponent: int = 0) -> Scaled:
    """``value`` * 2**``exponent``, value from 0 to below 2**64."""
    if not value:
        return Scaled()
    drop = bit_length(value) - BITS
    return Scaled(value >> drop if drop > 0 else value << -drop, exponent + drop)


def scaled_real(value: float) -> Scaled:
    """The nearest to a real ``value`` > 0."""
    fraction, exponent = math.frexp(value)
    return scaled(math.floor(fraction * 2**BITS + 0.5), exponent - BITS)


@dataclass
class ScaledWords:
    """A number that an engine keeps."""

    mantissa: int = 0
    exponent: int = signed()

    @property
    def value(self) -> Scaled:
        return Scaled(self.mantissa, self.exponent)

    @value.setter
    def value(self, value: Scaled) -> None:
        self.mantissa, self.exponent = value
