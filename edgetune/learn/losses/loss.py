"""What every loss is: the error of the logits, and one figure that says how wrong they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np


@dataclass(eq=False)
class Loss:
    """``kind`` is the engine's name for the class."""

    kind: ClassVar[str] = ""

    def error(self, logits: np.ndarray, target) -> tuple[np.ndarray, int]:
        """The error of each logit, int64 [size], and the measure of this sample, u32.

        Args:
            logits: int64 [size], int8 values.
            target: what the sample should give.
        """
        raise TypeError(f"{self.kind} gives no error")

    def unit(self, scale: float) -> float:
        """d loss / d logit = error * unit, for the logits' ``scale``."""
        raise TypeError(f"{self.kind} has no unit")


def held(logits: np.ndarray, error: np.ndarray) -> np.ndarray:
    """A logit that saturates is not pushed further out: it could not follow, while the layers
    below would go on moving."""
    stuck = ((logits == 127) & (error < 0)) | ((logits == -128) & (error > 0))
    return np.where(stuck, 0, error)
