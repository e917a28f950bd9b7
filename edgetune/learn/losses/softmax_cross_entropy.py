"""Softmax cross-entropy on the logits; the target is a class.  ``docs/numerics.md`` section 3."""

from __future__ import annotations

import struct
from dataclasses import field

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.errors import DataError
from edgetune.learn.losses.binary import CrossEntropy
from edgetune.learn.losses.loss import CLASS, held
from edgetune.learn.operators.softmax import look_up


@dataclass(eq=False)
class SoftmaxCrossEntropy(CrossEntropy):
    """``table[k] = round(2**30 * exp(-k * scale))`` for the logits' scale."""

    table: np.ndarray = field(kw_only=True)

    kind = "softmax_cross_entropy"
    target = CLASS
    name = "softmax"
    settles = True
    echoes = True
    target_bytes = 4

    @property
    def outcomes(self) -> int:
        return self.size

    def encode(self, target):
        if not 0 <= int(target) < self.size:
            raise DataError(
                f"label {target} does not exist",
                f"the model has the classes 0..{self.size - 1}",
                "check the labels",
            )
        return struct.pack("<HH", int(target), 0)

    def any_target(self, number):
        return number % self.size

    def probabilities_of(self, logits: np.ndarray) -> np.ndarray:
        """Q15, int64 [size]."""
        terms = (look_up(self.table, logits).astype(np.int64) + 2**13) >> 14
        total = terms.sum()
        return ((terms << 15) + total // 2) // total

    def probability(self, logits, label):
        return int(self.probabilities_of(logits)[label])

    def error(self, logits, target, x):
        """The probabilities less the target's, Q15; the measure is the label's probability."""
        probability = self.probabilities_of(logits)
        error = probability - self.zero
        error[target] = probability[target] - self.one
        weight = 1 if self.weights is None else int(self.weights[target])
        return held(logits, error) * weight, int(probability[target])

    def shortfall_unit(self, scale):
        return 1.0
