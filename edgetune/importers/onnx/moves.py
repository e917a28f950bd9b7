"""Nodes that take rows of a tensor, some of them, again and again, or in another order."""

from __future__ import annotations

import math

import numpy as np

from edgetune.importers.onnx.builder import Builder, image_axis, result
from edgetune.importers.onnx.joins import cropped
from edgetune.importers.onnx.node import Node
from edgetune.importers.onnx.values import Unsupported, Value, channels_last
from edgetune.model.moves import along_axes

NEAREST = "RESIZE_NEAREST_NEIGHBOR"
ROUNDING = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


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
    front = _batch_first(x)
    moved = x.view(x.places.transpose(front))
    taken = {front.index(axis): indices.reshape(-1)}
    y = _taken(builder, moved, taken, builder.order_of(moved))
    y = y.view(y.places.transpose(np.argsort(front)))
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    return y.view(y.places.reshape(shape))


def _batch_first(x: Value) -> list[int]:
    """The axes, one of a single place, which may be the batch, before the others."""
    batch = x.shape.index(1) if 1 in x.shape else 0
    return [batch, *(axis for axis in range(len(x.shape)) if axis != batch)]


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


def resize(builder: Builder, node: Node) -> Value:
    """Resize and Upsample by repeating the nearest element."""
    x = node.activation()
    mode = node.attributes.get("mode", "nearest")
    if mode != "nearest":
        raise Unsupported(f"a resize by {mode} interpolation")
    if node.attributes.get("antialias", 0) or node.integers("axes", 9):
        raise Unsupported("a resize of some axes, or one that smoothes before")
    sizes, scales = _new_sizes(node, x)
    taken = {
        axis: _nearest(node, x.shape[axis], sizes[axis], scales[axis])
        for axis in range(len(x.shape)) if sizes[axis] != x.shape[axis]
    }  # fmt: skip
    return _taken(builder, x, taken, channels_last(len(x.shape)))


def _new_sizes(node: Node, x: Value) -> tuple[list[int], list[float]]:
    """Sizes and their ratios to the old ones, both by axis."""
    new = len(node.operands) > 2  # since opset 11 the second operand is a region
    sizes = node.operand(3) if new else None
    if sizes is not None and sizes.size:
        found = [int(n) for n in node.data(3, "the sizes")]
        return found, [n / old for n, old in zip(found, x.shape, strict=True)]
    scales = node.attributes.get("scales")
    if scales is None:
        scales = node.weights(2 if new else 1, "the scales").reshape(-1)
    found = [math.floor(n * float(s)) for n, s in zip(x.shape, scales, strict=True)]
    return found, [float(s) for s in scales]


def _nearest(node: Node, size: int, out: int, scale: float) -> np.ndarray:
    """The places along an axis that ONNX's rules take, in float32 as runtimes do."""
    way = node.attributes.get("coordinate_transformation_mode", "half_pixel")
    if node.kind == "Upsample" or node.opset < 11:
        way, rounding = "asymmetric", "floor"
    else:
        rounding = node.attributes.get("nearest_mode", "round_prefer_floor")
    numbers, ratio = np.arange(out, dtype=np.float32), np.float32(scale)
    if way == "asymmetric":
        found = numbers / ratio
    elif way == "align_corners":
        found = numbers * np.float32(size - 1) / np.float32(max(out - 1, 1))
    elif way in ("half_pixel", "pytorch_half_pixel"):
        found = (numbers + np.float32(0.5)) / ratio - np.float32(0.5)
        found = found if out > 1 or way == "half_pixel" else found * 0
    elif way == "tf_half_pixel_for_nn":
        found = (numbers + np.float32(0.5)) / ratio
    else:
        raise Unsupported(f"a resize whose places are {way}")
    return np.clip(ROUNDING[rounding](found).astype(np.int64), 0, size - 1)


def _taken(
    builder: Builder, x: Value, taken: dict[int, np.ndarray], order: tuple[int, ...]
) -> Value:
    """The places ``taken`` along every axis that it names: a slice, or with the axes in ``order``
    a RESIZE_NEAREST_NEIGHBOR or a GATHER for each axis."""
    cuts = [_as_range(taken.get(axis), n) for axis, n in enumerate(x.shape)]
    if None not in cuts:
        return cropped(builder, x, cuts)
    image, shape = builder.arranged(x, order), list(x.shape)
    places = {image_axis(order, axis): indices for axis, indices in taken.items()}
    if 0 in places:
        raise Unsupported("places along the batch")
    y = _enlarged(builder, image, places)
    for axis, indices in taken.items():
        shape[axis] = len(indices)
    return result(_gathered(builder, image, places) if y is None else y, tuple(shape), order)


def _as_range(taken: np.ndarray | None, size: int) -> range | None:
    if taken is None:
        return range(size)
    first, end = int(taken[0]), int(taken[0]) + len(taken)
    return range(first, end) if (taken == np.arange(first, end)).all() else None


def _enlarged(builder: Builder, image: int, places: dict[int, np.ndarray]) -> int | None:
    """A RESIZE_NEAREST_NEIGHBOR that takes these places; None where none does."""
    shape = builder.shape(image)
    if len(shape) != 4 or not set(places) <= {1, 2}:
        return None
    wanted = [places.get(axis, np.arange(shape[axis])) for axis in (1, 2)]
    size = builder.integers("size", [len(taken) for taken in wanted])
    for corners, centers in ((False, False), (False, True), (True, False)):
        options = {"align_corners": corners, "half_pixel_centers": centers}
        found = along_axes(NEAREST, shape, options, [builder.rewriter.data(size)])
        if all(np.array_equal(a, b) for (_, a), b in zip(found, wanted)):
            whole = (1, len(wanted[0]), len(wanted[1]), shape[3])
            return builder.emit(NEAREST, (image, size), whole, **options)
    return None


def _gathered(builder: Builder, image: int, places: dict[int, np.ndarray]) -> int:
    for axis, indices in places.items():
        shape = list(builder.shape(image))
        shape[axis] = len(indices)
        operands = (image, builder.integers(f"places{axis}", indices))
        image = builder.emit("GATHER", operands, tuple(shape), axis=axis, batch_dims=0)
    return image
