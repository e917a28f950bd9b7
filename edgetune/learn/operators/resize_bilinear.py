"""RESIZE_BILINEAR."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.lowerings import lowers
from edgetune.learn.program import Layer
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator
from edgetune.model.interpolation import STEPS, Interpolation, interpolations

ONE = STEPS * STEPS  # all weights of an element together
MAX_ERROR = 2**31 - 1  # of a sum of errors by weights


@dataclass(eq=False)
class ResizeBilinear(Layer):
    """Each element the weighted mean of four; errors take the weights without their last
    ``error_shift`` bits, so that their sums keep to 32."""

    rows: Interpolation
    columns: Interpolation
    error_shift: int

    kind = "resize_bilinear"

    def forward(self, xs, out_shape):
        acc = _spread(self.columns, _spread(self.rows, xs[0]).swapaxes(0, 1)).swapaxes(0, 1)
        return np.sign(acc) * ((np.abs(acc) + ONE // 2) // ONE)

    def input_error(self, operand, e, xs):
        """The sum over all that read an element, by what they take of it."""
        rows = _gathered(self.rows, e, self.error_shift)
        return _gathered(self.columns, rows.swapaxes(0, 1), self.error_shift).swapaxes(0, 1)

    def input_unit(self, operand, xs, y):
        return 4.0**self.error_shift / ONE


def _spread(axis: Interpolation, x: np.ndarray) -> np.ndarray:
    """From [size, ...] to [out, ...], times `STEPS`."""
    before, behind, part = axis.between
    part = part.reshape(-1, *[1] * (x.ndim - 1))
    return (STEPS - part) * x[before] + part * x[behind]


def _gathered(axis: Interpolation, e: np.ndarray, shift: int) -> np.ndarray:
    """From [out, ...] back to [size, ...]: sums by weights."""
    before, behind, part = axis.between
    v = np.zeros((axis.size, *e.shape[1:]), np.int64)
    for rows, weights in ((before, STEPS - part), (behind, part)):
        np.add.at(v, rows, e * (weights >> shift).reshape(-1, *[1] * (e.ndim - 1)))
    return v


def error_shift(rows: Interpolation, columns: Interpolation) -> int:
    """The least with which no sum of errors by weights leaves 32 bits."""
    shift = 0
    while 127 * _most(rows, shift) * _most(columns, shift) > MAX_ERROR:
        shift += 1
    return shift


def _most(axis: Interpolation, shift: int) -> int:
    """The largest sum of what places take of one row of the input."""
    return int(_gathered(axis, np.ones(axis.out, np.int64), shift).max())


@lowers("RESIZE_BILINEAR")
def _resize(tensors: Tensors, op: Operator) -> None:
    """Bounds of what is read are no bounds of means: an error is masked where it arrives."""
    size, shape = (tensors.graph.tensors[i] for i in (op.inputs[1], op.inputs[0]))
    axes = interpolations(shape.shape, size.values, op.options)
    tensors.layers.append(ResizeBilinear(*tensors.place(op), *axes, error_shift(*axes)))
