"""What cross-entropies share: smoothed targets, and weights of the classes."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.losses.loss import ONE_Q15, WEIGHT_Q8, Loss


@dataclass(eq=False)
class CrossEntropy(Loss):
    """``smoothing``: the share of a target that is spread over all outcomes, 0 to below 1.
    ``weights``: uint16 [size], Q8, or None where all weigh the same."""

    smoothing: float = 0.0
    weights: np.ndarray | None = None

    @property
    def outcomes(self) -> int:
        return 2

    @property
    def zero(self) -> int:
        """What a target of 0 stands for, Q15."""
        return round(ONE_Q15 * self.smoothing / self.outcomes)

    @property
    def one(self) -> int:
        """What a target of 1 stands for, Q15."""
        return round(ONE_Q15 * (1 - self.smoothing + self.smoothing / self.outcomes))

    def shortfall(self, measure):
        """1 - p(target), Q24."""
        return (ONE_Q15 - measure) << 9

    def unit(self, scale):
        return scale / ONE_Q15 / (1 if self.weights is None else WEIGHT_Q8)
