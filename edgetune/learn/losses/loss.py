"""What every loss is: the error of the logits, and one figure that says how wrong they were."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from edgetune.dataclass import dataclass

CLASS, LABELS, VALUES, INPUT = "class", "labels", "values", "input"  # kinds of target
ONE_Q15 = 2**15
WEIGHT_Q8 = 2**8


@dataclass(eq=False)
class Loss:
    """``size``: number of logits.  ``kind`` is the engine's name for the class.

    ``target`` is the kind of what a sample should give: "class", a number 0 .. size - 1;
    "labels", size bits; "values", size real numbers; "input", the sample itself.
    ``settles``: its `shortfall` says by itself, on any task, how much is left to learn.
    ``echoes``: its logits have probabilities that say what the sample before has left behind.
    """

    size: int

    kind: ClassVar[str] = ""
    target: ClassVar[str] = CLASS
    settles: ClassVar[bool] = False
    echoes: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """As ``--loss`` takes it."""
        raise TypeError(f"{self.kind} has no name")

    @property
    def target_bytes(self) -> int:
        """Of `encode`, a multiple of four."""
        raise TypeError(f"{self.kind} has no target")

    def encode(self, target: Any) -> bytes:
        """``target`` as a device takes it (docs/protocol.md).

        Raises:
            DataError: it is no target of this loss.
        """
        raise TypeError(f"{self.kind} has no target")

    def any_target(self, number: int) -> Any:
        """Target ``number`` of an endless list, for tests of bits and costs."""
        raise TypeError(f"{self.kind} has no target")

    def error(self, logits: np.ndarray, target: Any, x: np.ndarray) -> tuple[np.ndarray, int]:
        """The error of each logit, int64 [size], and the measure of this sample, u32.

        Args:
            logits: int64 [size], int8 values.
            target: what the sample should give, as `encode` takes it.
            x: the sample, int64 values.
        """
        raise TypeError(f"{self.kind} gives no error")

    def unit(self, scale: float) -> float:
        """d loss / d logit = error * unit, for the logits' ``scale``."""
        raise TypeError(f"{self.kind} has no unit")

    def shortfall(self, measure: int) -> int:
        """How far a sample of this ``measure`` is from right, 0 to 2**24."""
        raise TypeError(f"{self.kind} has no shortfall")

    def probability(self, logits: np.ndarray, label: int) -> int:
        """Of class ``label``, Q15."""
        raise TypeError(f"{self.kind} has no probabilities")

    def shortfall_unit(self, scale: float) -> float:
        """The loss at a shortfall of 2**24, for the logits' ``scale``; near enough."""
        raise TypeError(f"{self.kind} has no shortfall")


def held(logits: np.ndarray, error: np.ndarray) -> np.ndarray:
    """A logit that saturates is not pushed further out: it could not follow, while the layers
    below would go on moving."""
    stuck = ((logits == 127) & (error < 0)) | ((logits == -128) & (error > 0))
    return np.where(stuck, 0, error)


def padded(content: bytes) -> bytes:
    """With zeros up to a multiple of four."""
    return content + bytes(-len(content) % 4)
