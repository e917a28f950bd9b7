"""TRANSPOSE_CONV: the adjoint of a convolution, from its output's cells to its input's."""

from __future__ import annotations

from edgetune.dataclass import dataclass
from edgetune.learn.lowerings import lowers
from edgetune.learn.operators.weighted import WeightedLayer, matmul, weighted_facts, with_bias
from edgetune.learn.program import Window
from edgetune.learn.tensors import Tensors
from edgetune.learn.window import patches, scatter
from edgetune.model.graph import Operator


@dataclass(eq=False)
class TransposeConv(WeightedLayer):
    """Weights [out, kh, kw, in].  The ``window`` slides over the output; each of its places is an
    input cell."""

    window: Window

    kind = "transpose_conv"
    has_centre = False  # an output reads some of the taps only

    def forward(self, xs, out_shape):
        cells = matmul(self._cells(xs[0]), self._by_tap().T)  # [cells, kh * kw * out]
        shape = *xs[0].shape[:2], *self.window.kernel, self.rows
        return self.requantize(scatter(cells.reshape(shape), self.window, out_shape))

    def input_error(self, operand, e, xs):
        """sum over o and taps of e[o] * w[o, tap], at the output cell each tap adds to."""
        return matmul(self._errors(e, xs[0]), self._by_tap()).reshape(xs[0].shape)

    def gradient(self, e, x):
        sums = matmul(self._errors(e, x).T, self._cells(x))
        sums = sums.reshape(*self.window.kernel, self.rows, -1).transpose(2, 0, 1, 3)
        return with_bias(sums.reshape(self.rows, -1), e.reshape(-1, self.rows).T)

    def _by_tap(self):
        """Weights [kh * kw * out, in]."""
        return self.weights.transpose(1, 2, 0, 3).reshape(-1, self.weights.shape[3])

    def _cells(self, x):
        return (x - self.input_zero_point).reshape(-1, self.weights.shape[3])

    def _errors(self, e, x):
        """What each input cell's window covers, [cells, kh * kw * out]."""
        return patches(e, self.window, x.shape, 0).reshape(x.shape[0] * x.shape[1], -1)


@lowers("TRANSPOSE_CONV")
def _transpose_conv(tensors: Tensors, op: Operator) -> None:
    facts, clip = weighted_facts(tensors, op, axis=0)
    _, *kernel, _ = facts["weights"].shape
    stride, pad = (op.options["stride_h"], op.options["stride_w"]), (0, 0)
    if op.options["padding"] == "SAME":
        size = tensors.graph.tensors[op.outputs[0]].shape[1:3]
        reach = [(-(-n // s) - 1) * s + k for n, s, k in zip(size, stride, kernel)]
        pad = tuple(max(0, r - n) // 2 for r, n in zip(reach, size))
    window = Window(tuple(kernel), stride, pad)
    tensors.layers.append(TransposeConv(*tensors.place(op, clip), **facts, window=window))
