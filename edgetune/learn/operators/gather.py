"""GATHER along one axis by constant indices, and one axis of RESIZE_NEAREST_NEIGHBOR."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.program import Layer


@dataclass(eq=False)
class Gather(Layer):
    """From [outer, sources, chunk] to [outer, indices, chunk]."""

    outer: int
    sources: int
    chunk: int
    indices: np.ndarray

    kind = "gather"

    @property
    def readers(self) -> tuple[np.ndarray, np.ndarray]:
        """Places of the output in the order of the sources that they read, and where each
        source's begin, the end of all included; uint32."""
        order = np.argsort(self.indices, kind="stable")
        ends = np.cumsum(np.bincount(self.indices, minlength=self.sources))
        return order.astype(np.uint32), np.concatenate([[0], ends]).astype(np.uint32)

    def forward(self, xs, out_shape):
        x = xs[0].reshape(self.outer, self.sources, self.chunk)
        return x[:, self.indices].reshape(out_shape)

    def input_error(self, operand, e, xs):
        """The sum over all that read an element; nothing where none does."""
        v = np.zeros((self.outer, self.sources, self.chunk), np.int64)
        rows = e.reshape(self.outer, len(self.indices), self.chunk)
        np.add.at(v.swapaxes(0, 1), self.indices, rows.swapaxes(0, 1))
        return v.reshape(xs[0].shape)

    def input_unit(self, operand, xs, y):
        return 1.0
