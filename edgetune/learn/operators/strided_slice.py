"""STRIDED_SLICE with strides of one: a crop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgetune.learn.lowerings import lowers
from edgetune.learn.program import Layer, Shape
from edgetune.learn.tensors import Tensors, activation_shape
from edgetune.model.graph import Operator
from edgetune.model.shapes import slice_bounds


@dataclass(eq=False)
class StridedSlice(Layer):
    """A crop of ``source`` (height, width, channels) that starts at ``begin`` and has the shape
    ``size``, all of three axes."""

    source: Shape
    begin: Shape
    size: Shape

    kind = "strided_slice"

    def forward(self, xs, out_shape):
        return xs[0].reshape(self.source)[self._crop()].reshape(out_shape)

    def input_error(self, operand, e, xs):
        """Nothing outside of the crop."""
        v = np.zeros(self.source, np.int64)
        v[self._crop()] = e.reshape(self.size)
        return v.reshape(xs[0].shape)

    def input_unit(self, operand, xs, y):
        return 1.0

    def _crop(self) -> tuple[slice, ...]:
        return tuple(slice(first, first + size) for first, size in zip(self.begin, self.size))


@lowers("STRIDED_SLICE")
def _strided_slice(tensors: Tensors, op: Operator) -> None:
    first = [begin for begin, _ in slice_bounds(tensors.graph, op)[1:]]
    row, column, channel = [0] * (3 - len(first)) + first
    sizes = [activation_shape(tensors.graph.tensors[i].shape)
             for i in (op.inputs[0], op.outputs[0])]
    source = tensors.activation(op.inputs[0])
    place = tensors.place(op, (source.clip_low, source.clip_high))
    tensors.layers.append(StridedSlice(*place, sizes[0], (row, column, channel), sizes[1]))
