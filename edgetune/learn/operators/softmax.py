"""SOFTMAX: over one vector at the end of a model, where learning starts from its input, and over
any number of vectors anywhere."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.lowerings import lowers
from edgetune.learn.program import Layer, exponential_table
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator
from edgetune.model.kinds import VIEWS


@dataclass(eq=False)
class Softmax(Layer):
    """Over one vector; ``table[k] = round(2**30 * exp(-k * beta * scale))``."""

    table: np.ndarray

    kind = "softmax"

    def forward(self, xs, out_shape):
        """Probabilities as int8: scale 1/256, zero point -128, rounded half up."""
        terms = look_up(self.table, xs[0]).astype(np.int64)
        total = terms.sum(axis=-1, keepdims=True)
        return np.minimum((terms * 512 + total) // (2 * total) - 128, 127).reshape(out_shape)


@dataclass(eq=False)
class SoftmaxRows(Softmax):
    """Over each of ``rows`` vectors of ``classes``; ``step`` is beta * scale."""

    rows: int
    classes: int
    step: float

    kind = "softmax_rows"
    error_reads_input = True

    def forward(self, xs, out_shape):
        return super().forward([self._vectors(xs[0])], out_shape)

    def input_error(self, operand, e, xs):
        """p * (e - sum of e * p), p in Q15."""
        e = self._vectors(e).astype(np.int64)
        terms = look_up(self.table, self._vectors(xs[0])).astype(np.int64)
        total = terms.sum(axis=-1, keepdims=True)
        p = ((terms << 15) + total // 2) // total
        above = (e << 15) - (e * p).sum(axis=-1, keepdims=True)
        return (p * (np.sign(above) * (np.abs(above) >> 8))).reshape(xs[0].shape)

    def input_unit(self, operand, xs, y):
        return self.step / y.scale / 2**22

    def _vectors(self, values: np.ndarray) -> np.ndarray:
        return values.reshape(self.rows, self.classes)


def look_up(table: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The exponential of each value below the largest of its vector (last axis)."""
    below = x.max(axis=-1, keepdims=True) - x
    return np.where(below < len(table), table[np.minimum(below, len(table) - 1)], 0)


@lowers("SOFTMAX")
def _softmax(tensors: Tensors, op: Operator) -> None:
    step = float(op.options.get("beta", 1.0)) * tensors.scale(op.inputs[0])
    source, place = tensors.activation(op.inputs[0]), tensors.place(op)
    rows, classes = source.size // source.shape[2], source.shape[2]
    table = exponential_table(step)
    if rows == 1 and _ends(tensors, op):
        tensors.layers.append(Softmax(*place, table))
    else:
        tensors.layers.append(SoftmaxRows(*place, table, rows, classes, step))


def _ends(tensors: Tensors, op: Operator) -> bool:
    """Whether nothing but views reads the output."""
    readers = tensors.readers.get(op.outputs[0], [])
    return all(reader.kind in VIEWS and _ends(tensors, reader) for reader in readers)
