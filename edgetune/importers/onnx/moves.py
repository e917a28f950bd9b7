"""Nodes that take rows of a tensor, some of them, again and again, or in another order."""

from __future__ import annotations

import numpy as np

from edgetune.importers.onnx.builder import Builder, image_axis, result
from edgetune.importers.onnx.joins import batch_first, cropped
from edgetune.importers.onnx.node import Node
from edgetune.importers.onnx.values import Unsupported, Value


def gather(builder: Builder, node: Node) -> Value:
    """Constant places along an axis; a single one is a slice."""
    x = node.activation()
    axis = node.attributes.get("axis", 0) % len(x.shape)
    return _gather(builder, x, axis, node.data(1, "the places"))


def gather_nd(builder: Builder, node: Node) -> Value:
    """Constant places along the first axis, as exporters write ``x[:, places]``."""
    x, places = node.activation(), node.data(1, "the places")
    if node.attributes.get("batch_dims", 0) or places.shape[-1] != 1:
        raise Unsupported("places along several axes at once")
    return _gather(builder, x, 0, places[..., 0])


def _gather(builder: Builder, x: Value, axis: int, indices: np.ndarray) -> Value:
    indices = np.where(indices < 0, indices + x.shape[axis], indices).astype(np.int64)
    if indices.min() < 0 or indices.max() >= x.shape[axis]:
        raise Unsupported(f"places {indices.reshape(-1)[:4].tolist()} of {x.shape[axis]}")
    front = batch_first(x)
    moved = x.view(x.places.transpose(front))
    taken = {front.index(axis): indices.reshape(-1)}
    y = _taken(builder, moved, taken, builder.order_of(moved))
    y = y.view(y.places.transpose(np.argsort(front)))
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    return y.view(y.places.reshape(shape))


def tile(builder: Builder, node: Node) -> Value:
    """As one copy behind the other along every axis."""
    x, times = node.activation(), node.data(1, "the counts").reshape(-1).tolist()
    if len(times) != len(x.shape) or min(times) < 1 or times[0] != 1:
        raise Unsupported(f"{times[:8]} copies of {list(x.shape)}")
    order = builder.order_of(x)
    image = builder.arranged(x, order)
    counts = [1] * len(builder.shape(image))
    for axis, count in enumerate(times[1:], start=1):
        counts[image_axis(order, axis)] = count
    shape = tuple(n * count for n, count in zip(builder.shape(image), counts))
    y = builder.emit("TILE", (image, builder.integers("multiples", counts)), shape)
    return result(y, tuple(n * count for n, count in zip(x.shape, times)), order)


def _taken(
    builder: Builder, x: Value, taken: dict[int, np.ndarray], order: tuple[int, ...]
) -> Value:
    """The places ``taken`` along every axis that it names: a slice, or with the axes in ``order``
    a GATHER for each axis."""
    cuts = [_as_range(taken.get(axis), n) for axis, n in enumerate(x.shape)]
    if None not in cuts:
        return cropped(builder, x, cuts)
    image, shape = builder.arranged(x, order), list(x.shape)
    places = {image_axis(order, axis): indices for axis, indices in taken.items()}
    if 0 in places:
        raise Unsupported("places along the batch")
    for axis, indices in taken.items():
        shape[axis] = len(indices)
    return result(_gathered(builder, image, places), tuple(shape), order)


def _as_range(taken: np.ndarray | None, size: int) -> range | None:
    if taken is None:
        return range(size)
    first, end = int(taken[0]), int(taken[0]) + len(taken)
    return range(first, end) if (taken == np.arange(first, end)).all() else None


def _gathered(builder: Builder, image: int, places: dict[int, np.ndarray]) -> int:
    for axis, indices in places.items():
        shape = list(builder.shape(image))
        shape[axis] = len(indices)
        operands = (image, builder.integers(f"places{axis}", indices))
        image = builder.emit("GATHER", operands, tuple(shape), axis=axis, batch_dims=0)
    return image
