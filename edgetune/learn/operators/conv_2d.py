"""CONV_2D."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.lowerings import lowers
from edgetune.learn.operators.weighted import WeightedLayer, matmul, weighted_facts, with_bias
from edgetune.learn.operators.windowed import window_of
from edgetune.learn.program import Window
from edgetune.learn.tensors import Tensors
from edgetune.learn.window import patches, scatter
from edgetune.model.graph import Operator


@dataclass(eq=False)
class Conv2D(WeightedLayer):
    """Weights [out, kh, kw, in]."""

    window: Window

    kind = "conv_2d"

    def forward(self, xs, out_shape):
        cells = self._cells(xs[0], out_shape)  # [positions, kh * kw * in]
        acc = matmul(cells, self.by_row(self.weights).T)  # [positions, out]
        return self.requantize(acc).reshape(out_shape)

    def input_error(self, operand, e, xs):
        """sum over o and taps of e[o] * w[o, tap], at the input cell each tap read."""
        x = xs[0]
        cells = matmul(e.reshape(-1, self.rows), self.by_row(self.weights))
        shape = e.shape[:2] + self.window.kernel + x.shape[2:]  # [oh, ow, kh, kw, in]
        return scatter(cells.reshape(shape), self.window, x.shape)

    def gradient(self, e, x):
        rows = e.reshape(-1, self.rows).T  # [out, positions]
        return with_bias(matmul(rows, self._cells(x, e.shape)), rows)

    def _cells(self, x, out_shape):
        cells = patches(x - self.input_zero_point, self.window, out_shape, 0)
        return cells.reshape(-1, self.row_size)


@dataclass(eq=False)
class DilatedConv2D(Conv2D):
    """The taps of its window lie apart."""

    kind = "conv_2d_dilated"


@dataclass(eq=False)
class GroupedConv2D(Conv2D):
    """Weights [out, kh, kw, in / ``groups``]: each group of outputs reads its own part of the
    channels.  Taps may lie apart."""

    groups: int

    kind = "conv_2d_grouped"

    def forward(self, xs, out_shape):
        cells = self._cells(xs[0], out_shape)
        acc = matmul(cells, self._by_group().swapaxes(1, 2))  # [groups, positions, out / groups]
        return self.requantize(acc.swapaxes(0, 1).reshape(out_shape))

    def input_error(self, operand, e, xs):
        cells = matmul(self._errors(e), self._by_group())  # [groups, positions, row]
        shape = self.groups, *e.shape[:2], *self.window.kernel, -1
        cells = np.moveaxis(cells.reshape(shape), 0, 4)  # [oh, ow, kh, kw, groups, in / groups]
        return scatter(cells.reshape(*cells.shape[:4], -1), self.window, xs[0].shape)

    def gradient(self, e, x):
        rows = matmul(self._errors(e).swapaxes(1, 2), self._cells(x, e.shape))
        return with_bias(rows.reshape(self.rows, -1), e.reshape(-1, self.rows).T)

    def _by_group(self):
        """Weights [groups, out / groups, row]."""
        return self.weights.reshape(self.groups, -1, self.row_size)

    def _errors(self, e):
        """[groups, positions, out / groups]."""
        return e.reshape(-1, self.groups, self.rows // self.groups).swapaxes(0, 1)

    def _cells(self, x, out_shape):
        """[groups, positions, kh * kw * in / groups]."""
        cells = patches(x - self.input_zero_point, self.window, out_shape, 0)
        cells = cells.reshape(*cells.shape[:4], self.groups, -1)
        return np.moveaxis(cells, 4, 0).reshape(self.groups, -1, self.row_size)


@lowers("CONV_2D")
def _conv_2d(tensors: Tensors, op: Operator) -> None:
    facts, clip = weighted_facts(tensors, op, axis=0)
    window = window_of(tensors, op, facts["weights"].shape[1:3])
    facts |= {"window": window}
    kind: type[Conv2D] = Conv2D if window.dilation == (1, 1) else DilatedConv2D
    groups = tensors.activation(op.inputs[0]).shape[2] // facts["weights"].shape[3]
    if groups > 1:
        kind, facts = GroupedConv2D, facts | {"groups": groups}
    tensors.layers.append(kind(*tensors.place(op, clip), **facts))
