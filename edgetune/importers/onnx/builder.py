"""The Graph under construction, and operands brought into the order an operator needs."""

from __future__ import annotations

import numpy as np

from edgetune.floats.graph import MAX_ELEMENTS
from edgetune.importers.onnx.values import (
    Unsupported,
    Value,
    activation,
    as_image,
    channels_last,
)
from edgetune.model.graph import Graph
from edgetune.model.kinds import FUSING
from edgetune.model.rewrite import Rewriter

MAX_RANK = 4


class Builder:
    """Adds tensors and operators; ``name`` is what the next tensors are called after."""

    def __init__(self):
        self.rewriter = Rewriter(Graph([], [], (), ()))
        self.name = ""
        self.hard_sigmoids: dict[int, int] = {}  # results by tensor: of which tensor

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
        if kind in FUSING:
            options["fused_activation_function"] = "NONE"
        result = self.rewriter.activation(f"{self.name}/{kind.lower()}", shape)
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

        Raises:
            Unsupported: elements would have to move, or the batch is not one.
        """
        _check_batch(value)
        if len(value.shape) > MAX_RANK:
            raise Unsupported(f"an operand of {len(value.shape)} dimensions")
        if not value.stands_in(order):
            raise Unsupported("its operand would have to be transposed in memory")
        return self.reshaped(value.tensor, as_image(tuple(value.shape[i] for i in order)))

    def order_of(self, *values: Value) -> tuple[int, ...]:
        """An order of axes, channels last or as ONNX has them, in which all values stand.

        The one that the first value's tensor has already is preferred.
        """
        rank = len(values[0].shape)
        orders = [channels_last(rank), tuple(range(rank))]
        shape = self.shape(values[0].tensor)
        orders.sort(key=lambda order: as_image([values[0].shape[i] for i in order]) != shape)
        for order in orders:
            if all(value.stands_in(order) for value in values):
                return order
        raise Unsupported("its operands would have to be transposed in memory")

    def unary(self, kind: str, value: Value, **options) -> Value:
        """An element-wise operator: it takes its operand in any order."""
        _check_batch(value)
        shape = self.shape(value.tensor)
        result = self.emit(kind, (value.tensor,), shape, **options)
        return Value(value.shape, None, result, value.places)


def result(tensor: int, shape: tuple[int, ...], order: tuple[int, ...]) -> Value:
    """An operator's output, of the ONNX shape ``shape``, kept with its axes in ``order``."""
    return activation(tensor, shape, order)


def _check_batch(value: Value) -> None:
    if value.shape[:1] != (1,):
        raise Unsupported(f"its operand's shape {list(value.shape)} does not begin with a batch")
