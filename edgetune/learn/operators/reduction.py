"""What MEAN and REDUCE_MAX share: which values become one."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.program import Layer
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator
from edgetune.model.shapes import reduction


@dataclass(eq=False)
class Reduction(Layer):
    """x is [outer][rows][inner][columns]; rows and columns go, and y is [outer][inner]."""

    outer: int
    rows: int
    inner: int
    columns: int

    @property
    def count(self) -> int:
        """Values of x in one of y."""
        return self.rows * self.columns

    def gathered(self, x: np.ndarray) -> np.ndarray:
        """[outer, inner, count], the last in the order of x."""
        cells = x.reshape(self.outer, self.rows, self.inner, self.columns).swapaxes(1, 2)
        return cells.reshape(self.outer, self.inner, self.count)

    def scattered(self, cells: np.ndarray) -> np.ndarray:
        """Back from `gathered`, flat in the order of x."""
        cells = cells.reshape(self.outer, self.inner, self.rows, self.columns)
        return cells.swapaxes(1, 2).reshape(-1)


def reduced(tensors: Tensors, op: Operator) -> tuple[int, int, int, int]:
    """Outer, rows, inner and columns of a reduction."""
    lengths = reduction(tensors.graph, op)
    assert lengths is not None  # else refused
    return lengths
