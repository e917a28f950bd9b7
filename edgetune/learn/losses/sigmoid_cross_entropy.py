"""Sigmoid binary cross-entropy of one output, or of several labels at once.
``docs/numerics.md`` section 3."""

from __future__ import annotations

from dataclasses import field

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.errors import DataError
from edgetune.learn.losses.binary import CrossEntropy
from edgetune.learn.losses.loss import LABELS, ONE_Q15, WEIGHT_Q8, held, padded


@dataclass(eq=False)
class SigmoidCrossEntropy(CrossEntropy):
    """``probabilities`` uint16 [256]: the sigmoid of each logit, Q15."""

    probabilities: np.ndarray = field(kw_only=True)

    kind = "sigmoid_cross_entropy"
    target = LABELS
    name = "sigmoid"

    @property
    def target_bytes(self) -> int:
        return -(-self.size // 4) * 4

    def encode(self, target):
        labels = np.asarray(target).reshape(-1)
        if labels.size != self.size or not np.isin(labels, (0, 1)).all():
            raise DataError(
                f"{target!r} are no labels of this model", f"they are {self.size} of 0 or 1",
                "check the labels",
            )
        return padded(labels.astype(np.uint8).tobytes())

    def any_target(self, number):
        return (np.arange(self.size) + number).astype(np.uint8) % 2

    def error(self, logits, target, x):
        """The probabilities less the targets, Q15; the measure is the mean p(target)."""
        labels = np.asarray(target).reshape(-1).astype(bool)
        probability = self.probabilities.astype(np.int64)[logits + 128]
        error = held(logits, probability - np.where(labels, self.one, self.zero))
        right = int(np.where(labels, probability, ONE_Q15 - probability).sum())
        if self.weights is not None:
            error = error * np.where(labels, self.weights, WEIGHT_Q8)
        return error, (right + self.size // 2) // self.size

    def shortfall_unit(self, scale):
        return float(self.size)


def sigmoid_table(scale: float, zero_point: int) -> np.ndarray:
    """uint16 ``round(2**15 / (1 + exp(-scale * (q - zero_point))))`` for q = -128 .. 127."""
    real = scale * (np.arange(-128, 128) - zero_point)
    with np.errstate(over="ignore"):
        return np.rint(ONE_Q15 / (1 + np.exp(-real))).astype(np.uint16)
