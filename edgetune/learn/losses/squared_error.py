"""Mean squared and Huber error on the outputs, and the same against the input itself.
``docs/numerics.md`` section 3."""

from __future__ import annotations

from dataclasses import field
from typing import Any

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.errors import DataError
from edgetune.learn.losses.loss import INPUT, VALUES, Loss, held, padded

STEP_Q8 = 2**8
NO_LIMIT = 2**17  # above every error


@dataclass(eq=False)
class SquaredError(Loss):
    """``scale`` and ``zero_point`` of the outputs; ``limit``: of an error in 1/256 of an output
    step, Huber's delta."""

    scale: float
    zero_point: int
    limit: int = NO_LIMIT

    kind = "squared_error"
    target = VALUES

    @property
    def name(self) -> str:
        return "mse" if self.limit == NO_LIMIT else "huber"

    @property
    def target_bytes(self) -> int:
        return -(-2 * self.size // 4) * 4

    def on_grid(self, target: Any) -> np.ndarray:
        """Real values as int16 in 1/256 of an output step, saturating."""
        values = np.asarray(target, np.float64).reshape(-1)
        if values.size != self.size or not np.isfinite(values).all():
            raise DataError(
                f"{target!r} is no target of this model", f"it is {self.size} finite numbers",
                "check the targets",
            )
        steps = np.rint(STEP_Q8 * (values / self.scale + self.zero_point))
        return np.clip(steps, -(2**15), 2**15 - 1).astype(np.int16)

    def encode(self, target):
        return padded(self.on_grid(target).astype("<i2").tobytes())

    def any_target(self, number):
        steps = (np.arange(self.size) * 37 + number * 101) % 256 - 128
        return self.scale * (steps - self.zero_point)

    def error(self, logits, target, x):
        """Output less target in 1/256 of an output step, up to ``limit``; the measure is the
        mean size of it without the limit."""
        error = logits * STEP_Q8 - self.wanted(target, x)
        total = int(np.abs(error).sum())
        error = np.clip(error, -self.limit, self.limit)
        return held(logits, error), (total + self.size // 2) // self.size

    def wanted(self, target: Any, x: np.ndarray) -> np.ndarray:
        """int64 [size]: the target in 1/256 of an output step."""
        return self.on_grid(target).astype(np.int64)

    def unit(self, scale):
        return scale * scale / STEP_Q8 / self.size

    def shortfall(self, measure):
        """The measure's square, in 2**-8 of its unit's."""
        return min(measure, 2**16 - 1) ** 2 >> 8

    def shortfall_unit(self, scale):
        """Half the mean square: of errors that are all alike."""
        return scale * scale * 2.0**15


@dataclass(eq=False)
class Reconstruction(SquaredError):
    """The target is the input: ``table`` int16 [256] holds that of each input value."""

    table: np.ndarray = field(kw_only=True)

    target = INPUT
    name = "reconstruction"
    target_bytes = 0

    def encode(self, target):
        return b""

    def any_target(self, number):
        return None

    def wanted(self, target, x):
        return self.table.astype(np.int64)[x.reshape(-1) + 128]
