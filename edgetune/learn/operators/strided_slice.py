"""STRIDED_SLICE with strides of one: a crop."""

from __future__ import annotations

from dataclasses import dataclass

from edgetune.learn.program import Layer, Shape


@dataclass(eq=False)
class StridedSlice(Layer):
    """A crop of ``source`` (height, width, channels) that starts at ``begin`` and has the shape
    ``size``, all of three axes."""

    source: Shape
    begin: Shape
    size: Shape

    kind = "strided_slice"
    passes_errors = False

    def forward(self, xs, out_shape):
        return xs[0].reshape(self.source)[self._crop()].reshape(out_shape)

    def _crop(self) -> tuple[slice, ...]:
        return tuple(slice(first, first + size) for first, size in zip(self.begin, self.size))
