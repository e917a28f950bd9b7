"""PAD of height and width."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgetune.learn.program import Layer


@dataclass(eq=False)
class Pad(Layer):
    """Spatial zero padding: ``before`` and ``after`` in (height, width)."""

    before: tuple[int, int]
    after: tuple[int, int]
    value: int

    kind = "pad"

    def forward(self, xs, out_shape):
        widths = [*zip(self.before, self.after), (0, 0)]
        return np.pad(xs[0], widths, constant_values=self.value)

    def input_error(self, operand, e, xs):
        (top, left), (height, width, _) = self.before, xs[0].shape
        return e[top : top + height, left : left + width]

    def input_unit(self, operand, xs, y):
        return 1.0
