"""MAX_POOL_2D."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.lowerings import lowers
from edgetune.learn.operators.windowed import lower_pool
from edgetune.learn.program import Layer, Window
from edgetune.learn.tensors import Tensors
from edgetune.learn.window import patches, scatter
from edgetune.model.graph import Operator


@dataclass(eq=False)
class MaxPool2D(Layer):
    window: Window
    activation_min: int
    activation_max: int

    kind = "max_pool_2d"
    error_reads_input = True

    def forward(self, xs, out_shape):
        cells = patches(xs[0], self.window, out_shape, -129)  # [oh, ow, kh, kw, c]
        return np.clip(cells.max(axis=(2, 3)), self.activation_min, self.activation_max)

    def input_error(self, operand, e, xs):
        """The error goes to the first largest cell of each window, in row-major order."""
        x = xs[0]
        cells = patches(x, self.window, e.shape, -129)
        flat = cells.reshape(*cells.shape[:2], -1, cells.shape[4])  # [oh, ow, kh * kw, c]
        first = flat.argmax(axis=2)[:, :, None, :]
        routed = np.zeros_like(flat)
        np.put_along_axis(routed, first, e[:, :, None, :], axis=2)
        return scatter(routed.reshape(cells.shape), self.window, x.shape)

    def input_unit(self, operand, xs, y):
        return 1.0


@lowers("MAX_POOL_2D")
def _max_pool_2d(tensors: Tensors, op: Operator) -> None:
    lower_pool(MaxPool2D, tensors, op)
