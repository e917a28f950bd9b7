"""AVERAGE_POOL_2D: padded cells count neither in the sum nor in the number of cells."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.lowerings import lowers
from edgetune.learn.operators.windowed import lower_pool
from edgetune.learn.program import Layer, Shape, Window
from edgetune.learn.tensors import Tensors
from edgetune.learn.window import patches, scatter
from edgetune.model.graph import Operator


@dataclass(eq=False)
class AveragePool2D(Layer):
    window: Window
    activation_min: int
    activation_max: int

    kind = "average_pool_2d"

    def forward(self, xs, out_shape):
        total = patches(xs[0], self.window, out_shape, 0).sum(axis=(2, 3))  # [oh, ow, c]
        count = self.counts(xs[0].shape, out_shape)
        mean = np.sign(total) * ((np.abs(total) + count // 2) // count)
        return np.clip(mean, self.activation_min, self.activation_max)

    def input_error(self, operand, e, xs):
        """Each cell takes its window's error over the window's count, relative to the smallest
        count; where all windows have one count the factor is in the unit alone."""
        x = xs[0]
        counts = self.counts(x.shape, e.shape)
        if not _uniform(counts):
            e = e * ((counts.min() * 2**15 + counts // 2) // counts)
        cells = np.broadcast_to(
            e[:, :, None, None, :], e.shape[:2] + self.window.kernel + e.shape[2:]
        )
        return scatter(cells, self.window, x.shape)

    def input_unit(self, operand, xs, y):
        counts = self.counts(xs[0].shape, y.shape)
        return 1 / (int(counts.min()) * (1 if _uniform(counts) else 2**15))

    def counts(self, shape: Shape, out_shape: Shape) -> np.ndarray:
        """Cells inside the input for each window, [out_h, out_w, 1]."""
        inside = patches(np.ones((*shape[:2], 1), np.int64), self.window, out_shape, 0)
        return inside.sum(axis=(2, 3))


def _uniform(counts: np.ndarray) -> bool:
    return bool((counts == counts.min()).all())


@lowers("AVERAGE_POOL_2D")
def _average_pool_2d(tensors: Tensors, op: Operator) -> None:
    lower_pool(AveragePool2D, tensors, op)
