"""int8 SGD with stochastic rounding: every step has the expectation of the real one."""

from __future__ import annotations

import numpy as np

from edgetune.learn.generator import Generator
from edgetune.learn.rules.sgd import Sgd


class SgdStochastic(Sgd):
    """One random word for every step that has a fraction, row by row, a row's bias last."""

    name = "sgd-stochastic"
    symbol = "sgd_stochastic"
    default = 0.05

    def rounded(self, steps_q16: np.ndarray, generator: Generator) -> np.ndarray:
        whole, fractions = steps_q16 >> 16, steps_q16 & 0xFFFF
        drawn = fractions != 0
        words = [generator.next() >> 16 for _ in range(int(drawn.sum()))]
        whole[drawn] += np.array(words, np.int64) < fractions[drawn]
        return whole
