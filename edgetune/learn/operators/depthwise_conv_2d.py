"""DEPTHWISE_CONV_2D."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.lowerings import lowers
from edgetune.learn.operators.weighted import WeightedLayer, exact, weighted_facts, with_bias
from edgetune.learn.operators.windowed import window_of
from edgetune.learn.program import Window
from edgetune.learn.tensors import Tensors
from edgetune.learn.window import patches, scatter_taps, taps
from edgetune.model.graph import Operator


@dataclass(eq=False)
class DepthwiseConv2D(WeightedLayer):
    """Weights [kh, kw, out], out = in * ``multiplicity``."""

    window: Window
    multiplicity: int = 1

    kind = "depthwise_conv_2d"

    def by_row(self, weights):
        return weights.reshape(-1, self.rows).T

    def forward(self, xs, out_shape):
        kind = exact(self.row_size)
        cells = self._cells(xs[0], out_shape, kind)  # [oh, ow, kh, kw, out]
        weights = self.weights.astype(kind)
        products = (cells[:, :, y, x] * weights[y, x] for y, x in taps(self.window))
        return self.requantize(sum(products).astype(np.int64))

    def input_error(self, operand, e, xs):
        kind = exact(self.row_size * self.multiplicity)
        errors, weights = e.astype(kind), self.weights.astype(kind)

        def cells(y: int, x: int) -> np.ndarray:
            products = errors * weights[y, x]  # [oh, ow, out]
            if self.multiplicity > 1:
                products = products.reshape(*e.shape[:2], -1, self.multiplicity).sum(axis=3)
            return products

        return scatter_taps(cells, self.window, e.shape, xs[0].shape, kind).astype(np.int64)

    def gradient(self, e, x):
        kind = exact(e.size // self.rows)
        cells, errors = self._cells(x, e.shape, kind), e.astype(kind)
        sums = [np.einsum("yxc,yxc->c", cells[:, :, y, x], errors) for y, x in taps(self.window)]
        return with_bias(np.stack(sums, axis=1).astype(np.int64), self.by_row(e))

    def _cells(self, x, out_shape, kind):
        """Patches with each input channel repeated for its ``multiplicity`` outputs."""
        x = (x - self.input_zero_point).astype(kind)
        cells = patches(x, self.window, out_shape, 0)
        return np.repeat(cells, self.multiplicity, axis=4) if self.multiplicity > 1 else cells


@dataclass(eq=False)
class DilatedDepthwiseConv2D(DepthwiseConv2D):
    """The taps of its window lie apart."""

    kind = "depthwise_conv_2d_dilated"


@lowers("DEPTHWISE_CONV_2D")
def _depthwise_conv_2d(tensors: Tensors, op: Operator) -> None:
    facts, clip = weighted_facts(tensors, op, axis=3)
    facts["weights"] = facts["weights"][0]
    window = window_of(tensors, op, facts["weights"].shape[:2])
    kind = DepthwiseConv2D if window.dilation == (1, 1) else DilatedDepthwiseConv2D
    channels = tensors.activation(op.inputs[0]).shape[2]
    multiplicity = facts["weights"].shape[2] // channels
    layer = kind(*tensors.place(op, clip), **facts, window=window, multiplicity=multiplicity)
    tensors.layers.append(layer)
