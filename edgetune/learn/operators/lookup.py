"""Any function of one int8 value, as a table."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.program import Layer


@dataclass(eq=False)
class Lookup(Layer):
    """int8 ``table[x + 128]``.

    ``slopes`` int16 [256]: the function's derivative, output steps an input step, over
    ``slope_unit``; the largest is 2**14.
    """

    table: np.ndarray
    slopes: np.ndarray
    slope_unit: float

    kind = "lookup"
    by_value = True
    error_reads_input = True

    def forward(self, xs, out_shape):
        return self.table.astype(np.int64)[xs[0] + 128].reshape(out_shape)

    def input_error(self, operand, e, xs):
        return e.reshape(xs[0].shape) * self.slopes.astype(np.int64)[xs[0] + 128]

    def input_unit(self, operand, xs, y):
        return self.slope_unit
