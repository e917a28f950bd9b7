"""Softmax cross-entropy on the logits; the target is a class.  ``docs/numerics.md`` section 3."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgetune.learn.losses.loss import Loss, held
from edgetune.learn.operators.softmax import look_up


@dataclass(eq=False)
class SoftmaxCrossEntropy(Loss):
    """``table[k] = round(2**30 * exp(-k * scale))`` for the logits' scale."""

    table: np.ndarray

    kind = "softmax_cross_entropy"

    def error(self, logits, target):
        """The probabilities less the target's, Q15; the measure is the label's probability."""
        terms = (look_up(self.table, logits).astype(np.int64) + 2**13) >> 14
        total = terms.sum()
        probability = ((terms << 15) + total // 2) // total
        error = probability.copy()
        error[target] -= 2**15
        return held(logits, error), int(probability[target])

    def unit(self, scale):
        return scale / 2**15
