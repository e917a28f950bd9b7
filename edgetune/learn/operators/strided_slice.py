"""STRIDED_SLICE with strides of one: a crop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgetune.learn.program import Layer, Shape


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
