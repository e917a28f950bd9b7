"""The null mass C: what a step's probability of doing nothing is measured by."""

from __future__ import annotations

from edgetune.dataclass import dataclass
from edgetune.learn.fixedpoint import bit_length
from edgetune.learn.words import signed

MEAN_COUNT = 64  # C is the mean of the first 64 gradient masses that are not zero


@dataclass
class NullMass:
    """C as a block floating-point sum: ``C = total * 2**exponent / count``."""

    total: int = 0
    exponent: int = signed()
    count: int = 0

    def ratio_q16(self, mass: int, exponent: int) -> int:
        """S / (S + C) in Q16 for S = ``mass`` * 2**``exponent`` > 0; counts S into C first."""
        drop = max(0, bit_length(mass) - 24)
        mass, exponent = mass >> drop, exponent + drop
        if self.count < MEAN_COUNT:
            self._add(mass, exponent)
        mean = self.total // self.count % (1 << 24)  # a state from anywhere may have more
        mass, mean, _ = _align(mass, exponent, mean, self.exponent)
        return (mass << 16) // (mass + mean) if mass else 0

    def _add(self, mass: int, exponent: int) -> None:
        if self.count == 0:
            self.exponent = exponent
        mass, self.total, self.exponent = _align(mass, exponent, self.total, self.exponent)
        self.total += mass
        self.count += 1


def _align(a: int, a_exponent: int, b: int, b_exponent: int) -> tuple[int, int, int]:
    """Both mantissas at the larger exponent, and that exponent."""
    exponent = max(a_exponent, b_exponent)
    return a >> (exponent - a_exponent), b >> (exponent - b_exponent), exponent
