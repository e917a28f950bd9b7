"""What a name of an ONNX graph stands for while it is lowered."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from edgetune.dataclass import dataclass

MAX_AXES = 6  # of TFLite's TRANSPOSE


class Unsupported(Exception):
    """A node that the float Graph has no operators for; the message says why."""


@dataclass(frozen=True)
class Value:
    """A constant, or an activation as a view of a tensor of the Graph.

    ONNX puts channels first, the Graph last, and both reshape.  ``places`` keeps the two
    together: an array of the ONNX shape that holds, for every element, its place in the flat
    tensor.  A transposition or a reshape is then a change of ``places`` and costs nothing; an
    operator that needs its operand in a certain order asks ``stands_in``.
    """

    shape: tuple[int, ...]
    data: np.ndarray | None = None
    tensor: int = -1
    places: np.ndarray | None = None

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def view(self, places: np.ndarray) -> Value:
        """The same elements in another shape or order."""
        return replace(self, shape=places.shape, places=places)

    def once(self) -> Value:
        """Without what repeats: axes along which all elements are the same one cut to it."""
        cuts = [
            slice(0, 1) if size > 1 and (self.places == self.places.take([0], axis)).all()
            else slice(None)
            for axis, size in enumerate(self.shape)
        ]  # fmt: skip
        return self.view(self.places[tuple(cuts)])

    def repeated(self, shape: tuple[int, ...]) -> Value:
        """The same elements again and again, as broadcasting to ``shape`` gives them."""
        return self.view(np.broadcast_to(self.places, shape))

    def stands_in(self, order: tuple[int, ...]) -> bool:
        """Whether the tensor holds the elements with the axes in ``order``."""
        flat = self.places.transpose(order).reshape(-1)
        return bool((flat == np.arange(flat.size)).all())


def constant(data: np.ndarray) -> Value:
    return Value(data.shape, data)


def activation(tensor: int, shape: tuple[int, ...], order: tuple[int, ...]) -> Value:
    """A view of the ONNX shape ``shape`` of a tensor that keeps its axes in ``order``."""
    places = np.arange(math.prod(shape), dtype=np.int32)
    places = places.reshape([shape[axis] for axis in order])
    return Value(tuple(shape), None, tensor, places.transpose(np.argsort(order)))


def transposition(places: np.ndarray) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The shape of a tensor, and the order of its axes in which its elements stand at
    ``places``, both with a batch of one; None where they are in no such order.

    Axes are those of ``places``, or parts of them where these do not do (a shuffle of channels).
    """
    long = [axis for axis, size in enumerate(places.shape) if size > 1]
    places = places.reshape([places.shape[axis] for axis in long])
    steps = [int(places.flat[math.prod(places.shape[i + 1 :])]) for i in range(places.ndim)]
    axes = list(zip(places.shape, steps))
    found = _order_of_axes(places, axes)
    return found if found is not None else _order_of_axes(places, _straight_axes(places))


def _order_of_axes(places: np.ndarray, axes: list[tuple[int, int]]):
    """As ``transposition``, for axes of which the size and the step in the tensor are known."""
    down = sorted(range(len(axes)), key=lambda axis: -axes[axis][1])
    shape = tuple(axes[axis][0] for axis in down)
    order = tuple(down.index(axis) for axis in range(len(axes)))
    moved = np.arange(places.size).reshape(shape).transpose(order) if len(axes) < MAX_AXES else None
    if moved is None or (moved.reshape(-1) != places.reshape(-1)).any():
        return None
    return (1, *shape), (0, *(axis + 1 for axis in order))


def _straight_axes(places: np.ndarray) -> list[tuple[int, int]]:
    """Size and step of the axes, as few as there can be, along which elements stand in straight
    lines; where they do in none, some that are not theirs."""
    rest, axes = places.reshape(-1), []
    while rest.size > 1 and len(axes) < MAX_AXES:
        step = int(rest[1] - rest[0])
        bent = np.flatnonzero(rest != rest[0] + step * np.arange(rest.size))
        count = int(bent[0]) if bent.size and rest.size % bent[0] == 0 else rest.size
        axes.insert(0, (count, step))
        rest = rest[::count]
    return axes


def channels_last(rank: int) -> tuple[int, ...]:
    """The axes of an ONNX tensor of ``rank`` in the order batch, space, channels."""
    return tuple(range(rank)) if rank < 3 else (0, *range(2, rank), 1)


def as_image(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A Graph's shape for three dimensions: an image one row high; others stay."""
    return (shape[0], 1, *shape[1:]) if len(shape) == 3 else tuple(shape)
