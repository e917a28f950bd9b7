"""The Graph under construction, and operands brought into the order an operator needs."""

from __future__ import annotations

import math

import numpy as np

from edgetune.floats.graph import MAX_ELEMENTS, MAX_OPERATORS
from edgetune.importers.onnx.values import (
    Unsupported,
    Value,
    activation,
    as_image,
    channels_last,
    transposition,
)
from edgetune.model.graph import Graph
from edgetune.model.kinds import FUSING
from edgetune.model.rewrite import Rewriter
from edgetune.model.selection import ORDERS as COMPARISONS

MAX_RANK = 4
MOST = 2 * MAX_OPERATORS  # before those are left out that nothing reads


class Builder:
    """Adds tensors and operators; ``name`` is what the next tensors are called after."""

    def __init__(self):
        self.rewriter = Rewriter(Graph([], [], (), ()))
        self.name = ""
        self.hard_sigmoids: dict[int, int] = {}  # results by tensor: of which tensor
        self.pieces: dict[int, list[int]] = {}  # rows that a tensor holds one behind the other

    def constant(self, role: str, values: np.ndarray) -> int:
        return self.rewriter.constant(f"{self.name}/{role}", values)

    def real(self, role: str, values) -> int:
        return self.constant(role, np.asarray(values, np.float32))

    def integers(self, role: str, values) -> int:
        return self.constant(role, np.asarray(values, np.int32))

    def emit(self, kind: str, inputs, shape, **options) -> int:
        """A new operator at the end; the index of its output."""
        if np.prod([float(n) for n in shape]) > MAX_ELEMENTS:
            raise Unsupported(f"its output would have the shape {list(shape)}")
        if len(self.rewriter.operators) >= MOST:
            raise Unsupported(f"written out, the model has more than {MOST} operators")
        if kind in FUSING:
            options["fused_activation_function"] = "NONE"
        dtype = "bool" if kind in COMPARISONS else "float32"
        result = self.rewriter.activation(f"{self.name}/{kind.lower()}", shape, dtype)
        self.rewriter.insert(None, kind, inputs, (result,), options)
        return result

    def shape(self, tensor: int) -> tuple[int, ...]:
        return self.rewriter.shape(tensor)

    def reshaped(self, tensor: int, shape: tuple[int, ...]) -> int:
        """``tensor`` in another shape, by a RESHAPE where it has not got it."""
        shape = tuple(shape)
        return tensor if self.shape(tensor) == shape else self.emit("RESHAPE", (tensor,), shape)

    def arranged(self, value: Value, order: tuple[int, ...]) -> int:
        """The tensor of ``value`` with its axes in ``order``; three dimensions as an image.
        Where elements have to move for that, by a TRANSPOSE.

        Raises:
            Unsupported: they would have to move otherwise, or the batch is not one.
        """
        if value.shape[:1] != (1,):
            shape = list(value.shape)
            raise Unsupported(f"its operand's shape {shape} does not begin with a batch")
        if len(value.shape) > MAX_RANK:
            raise Unsupported(f"an operand of {len(value.shape)} dimensions")
        shape = as_image(tuple(value.shape[i] for i in order))
        return self.reshaped(self.standing(value, order), shape)

    def piece(self, value: Value) -> Value | None:
        """``value`` as a view of the one row of several that it is; None where it is not."""
        places = value.places
        for row in self.pieces.get(value.tensor, ()):
            size = math.prod(self.shape(row))
            inside = (places >= 0) & (places < size)
            if inside.all() and places.size == size:
                found = Value(value.shape, None, row, places)
                return self.piece(found) or found
            if inside.any():
                return None
            places = places - size
        return None

    def standing(self, value: Value, order: tuple[int, ...]) -> int:
        """A tensor of any shape that holds the elements with the axes of ``value`` in ``order``.

        Raises:
            Unsupported: elements would have to move in another way than by a TRANSPOSE.
        """
        if value.stands_in(order):
            return value.tensor
        once = value.once()
        if once.shape != value.shape:
            return self._repeated(once, value.shape, order)
        return self._transposed(value.tensor, value.places.transpose(order))

    def _repeated(self, once: Value, shape: tuple[int, ...], order: tuple[int, ...]) -> int:
        """``once`` broadcast to the ONNX shape ``shape``, with its axes in ``order``."""
        start = self.reshaped(self.standing(once, order), [once.shape[axis] for axis in order])
        whole = tuple(shape[axis] for axis in order)
        return self.emit("BROADCAST_TO", (start, self.integers("shape", whole)), whole)

    def _transposed(self, tensor: int, places: np.ndarray) -> int:
        """A tensor that holds the elements of ``tensor`` at ``places``, one after another."""
        found = transposition(places)
        if found is None or places.size != np.prod(self.shape(tensor)):
            raise Unsupported("elements of its operand would have to move in memory")
        shape, order = found
        start = self.reshaped(tensor, shape)
        moved = tuple(shape[axis] for axis in order)
        return self.emit("TRANSPOSE", (start, self.integers("order", order)), moved)

    def order_of(self, *values: Value) -> tuple[int, ...]:
        """An order of axes, channels last or as ONNX has them, in which all values stand; channels
        last where they stand in none.

        The one that the first value's tensor has already is preferred.
        """
        rank = len(values[0].shape)
        orders = [channels_last(rank), tuple(range(rank))]
        shape = self.shape(values[0].tensor)
        orders.sort(key=lambda order: as_image([values[0].shape[i] for i in order]) != shape)
        for order in orders:
            if all(value.stands_in(order) for value in values):
                return order
        return channels_last(rank)

    def unary(self, kind: str, value: Value, **options) -> Value:
        """An element-wise operator: it takes its operand in any order."""
        shape = self.shape(value.tensor)
        result = self.emit(kind, (value.tensor,), shape, **options)
        return Value(value.shape, None, result, value.places)


def result(tensor: int, shape: tuple[int, ...], order: tuple[int, ...]) -> Value:
    """An operator's output, of the ONNX shape ``shape``, kept with its axes in ``order``."""
    return activation(tensor, shape, order)


def image_axis(order: tuple[int, ...], axis: int) -> int:
    """Where an ONNX axis is in the Graph's tensor of the axes ``order``; the batch stays the
    batch."""
    place = order.index(axis)
    return place + 1 if len(order) == 3 and place > 0 else place
