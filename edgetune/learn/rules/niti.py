"""NITI's rule: a layer's gradient, shifted so that its largest magnitude has a few bits.

Source: Wang et al., NITI: Training Integer Neural Networks Using Integer-only Arithmetic (arXiv
2009.13108), in the form of its repository (wangmaolin/niti, ``grad_calc`` and ``PstoShift``).
``docs/numerics.md`` section 5.
"""

from __future__ import annotations

import numpy as np

from edgetune.errors import UsageError
from edgetune.learn.fixedpoint import bit_length
from edgetune.learn.generator import Generator
from edgetune.learn.rules.rule import Draw, Gradient, Learning, Rule

BITS, MOST_BITS = 3, 7
MOST = 127  # steps are int8


class Niti(Rule):
    """Args:
        rate: the bits of the largest step, 1 to 7; None for 3, the last of 5, 4 and 3 that the
            source trains with.

    Raises:
        UsageError: it is no such number.
    """

    name = "niti"
    symbol = "niti"
    sources = ()
    drawn = False
    looks = True

    def __init__(self, learning: Learning, rate: float | None = None):
        super().__init__(learning)
        self.rate = BITS if rate is None else rate
        if self.rate not in range(1, MOST_BITS + 1):
            raise UsageError(
                f"the rate {self.rate} is no number of bits",
                f"the rule niti takes a whole number from 1 to {MOST_BITS}", "choose one of these",
            )
        self.bits = int(self.rate)

    def counts(
        self, index: int, gradient: Gradient, draw: Draw, generator: Generator
    ) -> np.ndarray:
        magnitudes = gradient.magnitudes
        largest = int(magnitudes.max())
        if largest == 1:  # whose logarithm is 0, as an empty gradient's width
            return np.zeros_like(magnitudes)
        shift = bit_length(largest - 1) - self.bits
        return np.minimum(shifted(magnitudes, shift) if shift > 0 else magnitudes, MOST)


def shifted(magnitudes: np.ndarray, shift: int) -> np.ndarray:
    """magnitudes / 2**shift by pseudo-stochastic rounding: up where the upper half of the bits
    shifted out exceeds the lower half, which stands for a random number."""
    half = shift >> 1
    rest = magnitudes & ((1 << shift) - 1)
    upper, lower = rest >> half, (rest & ((1 << half) - 1)) << (shift & 1)
    return (magnitudes >> shift) + (upper > lower)
