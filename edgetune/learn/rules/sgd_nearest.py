"""int8 SGD with rounding to nearest: a step below half an LSB is none."""

from __future__ import annotations

import numpy as np

from edgetune.learn.generator import Generator
from edgetune.learn.rules.sgd import Sgd


class SgdNearest(Sgd):
    """Halves away from zero."""

    name = "sgd-nearest"
    symbol = "sgd_nearest"
    default = 0.05

    def rounded(self, steps_q16: np.ndarray, generator: Generator) -> np.ndarray:
        return (steps_q16 + 0x8000) >> 16
