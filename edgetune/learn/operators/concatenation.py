"""CONCATENATION and PACK: all their inputs and their output have one scale."""

from __future__ import annotations

import math

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.lowerings import lowers
from edgetune.learn.program import Layer
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator


@dataclass(eq=False)
class Concatenation(Layer):
    """``outer`` times a chunk of each input in turn, ``chunks`` their lengths."""

    others: tuple[int, ...]
    outer: int
    chunks: tuple[int, ...]

    kind = "concatenation"
    joining = True

    @property
    def inputs(self) -> tuple[int, ...]:
        return self.input, *self.others

    def forward(self, xs, out_shape):
        return np.concatenate([x.reshape(self.outer, -1) for x in xs], axis=1).reshape(out_shape)

    def input_error(self, operand, e, xs):
        first = sum(self.chunks[:operand])
        rows = e.reshape(self.outer, -1)  # [outer, all chunks]
        return rows[:, first : first + self.chunks[operand]].reshape(xs[operand].shape)

    def input_unit(self, operand, xs, y):
        return 1.0


@lowers("CONCATENATION", "PACK")
def _concatenation(tensors: Tensors, op: Operator) -> None:
    """PACK puts its inputs side by side along an axis of their own, in the same order."""
    shapes = [tensors.graph.tensors[i].shape for i in op.inputs]
    axis = op.options["axis"] % len(tensors.graph.tensors[op.outputs[0]].shape)
    outer = math.prod(shapes[0][:axis])
    chunks = tuple(math.prod(shape[axis:]) for shape in shapes)
    others = tuple(tensors.index(i) for i in op.inputs[1:])
    tensors.layers.append(Concatenation(*tensors.place(op), others, outer, chunks))
