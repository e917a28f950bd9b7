"""Nodes that join tensors, cut them, pad them, or look along one axis."""

from __future__ import annotations

import numpy as np

from edgetune.importers.onnx.builder import Builder, image_axis, result
from edgetune.importers.onnx.node import Node
from edgetune.importers.onnx.values import Unsupported, Value, as_image, channels_last


def concatenation(builder: Builder, node: Node) -> Value:
    values = node.operands
    rank = len(values[0].shape)
    axis = node.attributes["axis"] % rank
    order = builder.order_of(*(v for v in values if v.data is None))
    tensors = [
        builder.arranged(v, order) if v.data is None else _constant(builder, v, order)
        for v in values
    ]
    shape = list(values[0].shape)
    shape[axis] = sum(v.shape[axis] for v in values)
    place = image_axis(order, axis)
    y = builder.emit("CONCATENATION", tensors, _image(shape, order), axis=place)
    return result(y, tuple(shape), order)


def _constant(builder: Builder, value: Value, order: tuple[int, ...]) -> int:
    data = value.data.transpose(order)
    return builder.real("constant", data.reshape(as_image(data.shape)))


def _image(shape, order: tuple[int, ...]) -> tuple[int, ...]:
    """A Graph's shape of an ONNX shape with its axes in ``order``."""
    return as_image(tuple(shape[i] for i in order))


def slice_of(builder: Builder, node: Node) -> Value:
    x = node.activation()
    starts, ends = node.integers("starts", 1), node.integers("ends", 2)
    axes, steps = node.integers("axes", 3), node.integers("steps", 4)
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    cuts = [range(n) for n in x.shape]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        cuts[axis] = range(x.shape[axis])[start:end:step]
    return cropped(builder, x, cuts)


def split(builder: Builder, node: Node) -> list[Value]:
    x = node.activation()
    axis = node.attributes.get("axis", 0) % len(x.shape)
    count, sizes = len(node.proto.output), node.integers("split", 1)
    if sizes is None:
        size = -(-x.shape[axis] // count)
        sizes = [size] * (count - 1) + [x.shape[axis] - size * (count - 1)]
    if len(sizes) != count or sum(sizes) != x.shape[axis] or min(sizes) < 1:
        raise Unsupported(f"a split of {x.shape[axis]} into {sizes}")
    parts, start = [], 0
    for size in sizes:
        cuts = [range(n) for n in x.shape]
        cuts[axis] = range(start, start + size)
        parts.append(cropped(builder, x, cuts))
        start += size
    return parts


def cropped(builder: Builder, x: Value, cuts: list[range]) -> Value:
    """Of every axis the places that ``cuts`` names."""
    shape = tuple(map(len, cuts))
    if min(shape) < 1 or shape[0] != 1:
        raise Unsupported(f"a slice of {list(x.shape)} that leaves {list(shape)}")
    if all(cut == range(n) for cut, n in zip(cuts, x.shape)):
        return x
    order = builder.order_of(x)
    image = builder.arranged(x, order)
    kept = [cuts[i] for i in order]
    kept = [*kept[:1], range(1), *kept[1:]] if len(kept) == 3 else kept
    return result(_cropped(builder, image, kept, _image(shape, order)), shape, order)


def _cropped(builder: Builder, image: int, kept: list[range], shape: tuple[int, ...]) -> int:
    """STRIDED_SLICE; an end before the first place, of a step backwards, is left open."""
    begin, end, step = np.array([(cut[0], cut.stop, cut.step) for cut in kept]).T
    operands = (begin, end, step)
    operands = [builder.integers(r, v) for r, v in zip(("begin", "end", "strides"), operands)]
    masks = dict.fromkeys(("begin_mask", "shrink_axis_mask", "ellipsis_mask", "new_axis_mask"), 0)
    masks["end_mask"] = sum(1 << i for i, cut in enumerate(kept) if cut.stop < 0)
    return builder.emit("STRIDED_SLICE", (image, *operands), shape, **masks)


def crop_channels(builder: Builder, image: int, first: int, count: int) -> int:
    """``count`` channels of an image [1, h, w, c]."""
    shape = builder.shape(image)
    kept = [*map(range, shape[:3]), range(first, first + count)]
    return _cropped(builder, image, kept, (*shape[:3], count))


def pad(builder: Builder, node: Node) -> Value:
    x = node.activation()
    rank = len(x.shape)
    if node.attributes.get("mode", "constant") != "constant":
        raise Unsupported(f"padding by {node.attributes['mode']}")
    if node.operand(2) is not None and node.weights(2, "the value").any():
        raise Unsupported("padding by another value than zero")
    if node.attributes.get("value", 0.0):  # of opsets before 11
        raise Unsupported("padding by another value than zero")
    axes = node.integers("axes", 3)
    axes = range(rank) if axes is None else axes
    numbers = np.array(node.integers("pads", 1)).reshape(2, len(axes))
    pads = np.zeros((rank, 2), np.int64)
    pads[list(axes)] = numbers.T
    if not pads.any():
        return x
    order = builder.order_of(x) if rank < 3 else _order_with_free_ends(x, pads)
    if pads.min() < 0 or pads.max() > 32767 or pads[0].any() or pads[order[-1]].any():
        raise Unsupported("padding of the batch or of channels, or a negative one")
    image, paddings = builder.arranged(x, order), pads[list(order)]
    paddings = np.insert(paddings, 1, 0, axis=0) if rank == 3 else paddings
    shape = tuple(int(n + sum(p)) for n, p in zip(builder.shape(image), paddings))
    y = builder.emit("PAD", (image, builder.integers("paddings", paddings)), shape)
    return result(y, tuple(int(n + sum(p)) for n, p in zip(x.shape, pads)), order)


def _order_with_free_ends(x: Value, pads: np.ndarray) -> tuple[int, ...]:
    """An order in which the last axis is not padded."""
    orders = (channels_last(len(x.shape)), tuple(range(len(x.shape))))
    return next((o for o in orders if not pads[o[-1]].any()), orders[0])


def softmax(builder: Builder, node: Node) -> Value:
    x = node.activation()
    rank = len(x.shape)
    axis = node.attributes.get("axis", -1 if node.opset >= 13 else 1) % rank
    if node.opset < 13 and any(n > 1 for n in x.shape[axis + 1 :]):
        raise Unsupported("a softmax over more than one axis")
    order = (*(i for i in range(rank) if i != axis), axis)
    if axis == 0:
        raise Unsupported("a softmax over the batch")
    image = builder.arranged(x, order)
    y = builder.emit("SOFTMAX", (image,), builder.shape(image), beta=1.0)
    return result(y, x.shape, order)
