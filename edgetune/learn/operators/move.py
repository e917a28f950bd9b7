"""What only moves values along straight lines: TRANSPOSE, slices, splits, REVERSE_V2, TILE, ..."""

from __future__ import annotations

import math
from functools import cached_property
from typing import NamedTuple

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.lowerings import lowers
from edgetune.learn.operators.gather import Gather
from edgetune.learn.program import Layer
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator
from edgetune.model.moves import MOVES, along_axes, places, stays

MAX_AXES = 8  # ET_MOVE_AXES of the engine


class Axis(NamedTuple):
    """``turns`` elements, each ``x_step`` further in the input and ``y_step`` in the output."""

    turns: int
    x_step: int
    y_step: int


@dataclass(eq=False)
class Move(Layer):
    """Every element of the output reads one of the input, the first one that at ``begin``.

    ``kept``: axes along which they read different ones, outermost first; the last one is the
    run that the engine copies at once.  ``repeated``: axes along which they read the same.
    """

    begin: int
    kept: tuple[Axis, ...]
    repeated: tuple[Axis, ...] = ()

    kind = "move"

    @cached_property
    def places(self) -> np.ndarray:
        """Of every element of the output, in order, the place that it reads."""
        axes = sorted((*self.kept, *self.repeated), key=lambda axis: -axis.y_step)
        found = np.array([self.begin])
        for axis in axes:
            found = np.add.outer(found, axis.x_step * np.arange(axis.turns))
        return found.reshape(-1)

    def forward(self, xs, out_shape):
        return xs[0].reshape(-1)[self.places].reshape(out_shape)

    def input_error(self, operand, e, xs):
        """The sum over all that read an element; nothing where none does."""
        v = np.zeros(xs[0].size, np.int64)
        np.add.at(v, self.places, e.reshape(-1))
        return v.reshape(xs[0].shape)

    def input_unit(self, operand, xs, y):
        return 1.0


def straight(taken: np.ndarray) -> tuple[int, tuple[Axis, ...], tuple[Axis, ...]] | None:
    """``begin``, ``kept`` and ``repeated`` of a `Move` that reads the flat places ``taken``;
    None where they lie on no few straight lines."""
    begin, rest, inner = int(taken[0]), taken - taken[0], 1
    axes: list[Axis] = []
    while len(rest) > 1:
        step = int(rest[1])
        bent = np.flatnonzero(rest != step * np.arange(len(rest)))
        count = int(bent[0]) if len(bent) else len(rest)
        lines = rest.reshape(-1, count) if len(rest) % count == 0 else None
        if lines is None or (lines - lines[:, :1] != lines[0]).any() or len(axes) == MAX_AXES:
            return None
        axes.insert(0, Axis(count, step, inner))
        rest, inner = lines[:, 0], inner * count
    kept = [axis for axis in axes if axis.x_step] or [Axis(1, 1, 1)]
    return begin, tuple(kept), tuple(axis for axis in axes if not axis.x_step)


@lowers(*MOVES)
def _move(tensors: Tensors, op: Operator) -> None:
    """One layer for each output that is read; a view where nothing moves."""
    for number, (output, taken) in enumerate(zip(op.outputs, places(tensors.graph, op))):
        if output in tensors.readers or output in tensors.graph.outputs:
            _part(tensors, op, number, taken.reshape(-1))


def _part(tensors: Tensors, op: Operator, number: int, taken: np.ndarray) -> None:
    source = tensors.activation(op.operands[0])
    if stays(taken, source.size):
        tensors.view(op.outputs[number], op.operands[0])
    elif line := straight(taken):
        place = tensors.place(op, (source.clip_low, source.clip_high), output=number)
        tensors.layers.append(Move(*place, *line))
    else:
        _gathers(tensors, op, taken)


def _gathers(tensors: Tensors, op: Operator, taken: np.ndarray) -> None:
    """Axis by axis where the operator takes whole rows, else element by element."""
    shape = list(tensors.graph.tensors[op.operands[0]].shape)
    constants = [tensors.graph.tensors[i].values for i in op.parameters]
    along = along_axes(op.kind, tuple(shape), op.options, constants)
    takes = [
        (axis, indices) for axis, indices in along
        if not stays(indices, shape[axis])
    ]
    if not takes:
        shape, takes = [1, math.prod(shape)], [(1, taken)]
    source = tensors.activation(op.operands[0])
    place = tensors.place(op, (source.clip_low, source.clip_high))
    name, operator, at, last = place
    for axis, indices in takes:
        outer, chunk = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
        counted = outer, shape[axis], chunk, np.asarray(indices, np.int64)
        shape[axis] = len(indices)
        end = last if axis == takes[-1][0] else tensors.between(source, tuple(shape))
        called = name if end == last else f"{name}_{axis}"
        tensors.layers.append(Gather(called, operator, at, end, *counted))
        at = end
