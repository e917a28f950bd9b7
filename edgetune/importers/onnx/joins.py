"""Nodes that join tensors, cut them, pad them, or look along one axis."""

from __future__ import annotations

import numpy as np

from edgetune.importers.onnx.builder import Builder, image_axis, result
from edgetune.importers.onnx.node import Node
from edgetune.importers.onnx.values import Unsupported, Value, as_image, constant


def concatenation(builder: Builder, node: Node) -> Value:
    """Of steps or rows of one sample too, behind a batch then."""
    values = node.operands
    axis = node.attributes["axis"] % len(values[0].shape)
    if axis > 0 and all(v.shape[0] == 1 for v in values):
        return _concatenated(builder, values, axis)
    lifted = [v.view(v.places[None]) if v.data is None else constant(v.data[None]) for v in values]
    y = _concatenated(builder, lifted, axis + 1)
    return y.view(y.places[0])


def _concatenated(builder: Builder, values: list[Value], axis: int) -> Value:
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
    if min(shape) < 1:
        raise Unsupported(f"a slice of {list(x.shape)} that leaves {list(shape)}")
    if all(cut == range(n) for cut, n in zip(cuts, x.shape)):
        return x
    if x.shape[0] != 1:  # steps, or rows, of one sample
        return _cropped_behind_a_batch(builder, x, cuts)
    if piece := builder.piece(x.view(x.places[np.ix_(*cuts)])):
        return piece
    order = builder.order_of(x)
    image = builder.arranged(x, order)
    kept = [cuts[i] for i in order]
    kept = [*kept[:1], range(1), *kept[1:]] if len(kept) == 3 else kept
    return result(_cropped(builder, image, kept, _image(shape, order)), shape, order)


def _cropped_behind_a_batch(builder: Builder, x: Value, cuts: list[range]) -> Value:
    if 1 not in x.shape:
        y = cropped(builder, x.view(x.places[None]), [range(1), *cuts])
        return y.view(y.places[0])
    front = batch_first(x)
    y = cropped(builder, x.view(x.places.transpose(front)), [cuts[i] for i in front])
    return y.view(y.places.transpose(np.argsort(front)))


def batch_first(x: Value) -> list[int]:
    """The axes, one of a single place, which may be the batch, before the others."""
    batch = x.shape.index(1) if 1 in x.shape else 0
    return [batch, *(axis for axis in range(len(x.shape)) if axis != batch)]


def _cropped(builder: Builder, image: int, kept: list[range], shape: tuple[int, ...]) -> int:
    """STRIDED_SLICE; an end before the first place, of a step backwards, is left open."""
    begin, end, step = np.array([(cut[0], cut.stop, cut.step) for cut in kept]).T
    operands = (begin, end, step)
    operands = [builder.integers(r, v) for r, v in zip(("begin", "end", "strides"), operands)]
    masks = dict.fromkeys(("begin_mask", "shrink_axis_mask", "ellipsis_mask", "new_axis_mask"), 0)
    masks["end_mask"] = sum(1 << i for i, cut in enumerate(kept) if cut.stop < 0)
    return builder.emit("STRIDED_SLICE", (image, *operands), shape, **masks)


def pad(builder: Builder, node: Node) -> Value:
    x = node.activation()
    rank = len(x.shape)
    mode = node.attributes.get("mode", "constant")
    if mode not in ("constant", "reflect", "edge", "wrap"):
        raise Unsupported(f"padding by {mode}")
    if mode == "constant":
        _check_zeros(node)
    pads = _pads(node, x.shape)
    if not pads.any():
        return x
    if pads.min() < 0 or pads.max() > 32767 or pads[0].any():
        raise Unsupported("padding of the batch, or a negative one")
    order = builder.order_of(x)
    image, paddings = builder.arranged(x, order), pads[list(order)]
    paddings = np.insert(paddings, 1, 0, axis=0) if rank == 3 else paddings
    y = _padded(builder, image, paddings, mode)
    return result(y, tuple(int(n + sum(p)) for n, p in zip(x.shape, pads)), order)


def _check_zeros(node: Node) -> None:
    if node.operand(2) is not None and node.weights(2, "the value").any():
        raise Unsupported("padding by another value than zero")
    if node.attributes.get("value", 0.0):  # of opsets before 11
        raise Unsupported("padding by another value than zero")


def _pads(node: Node, shape: tuple[int, ...]) -> np.ndarray:
    """Before and after each axis, int64 [rank, 2]."""
    axes = node.integers("axes", 3)
    axes = range(len(shape)) if axes is None else axes
    numbers = np.array(node.integers("pads", 1)).reshape(2, len(axes))
    pads = np.zeros((len(shape), 2), np.int64)
    pads[list(axes)] = numbers.T
    return pads


def _padded(builder: Builder, image: int, paddings: np.ndarray, mode: str) -> int:
    """With zeros or mirrored by an operator of TFLite, else by the numbers of what is taken."""
    shape = builder.shape(image)
    if mode in ("constant", "reflect"):
        kind, options = ("PAD", {}) if mode == "constant" else ("MIRROR_PAD", {"mode": 0})
        shape = tuple(int(n + sum(p)) for n, p in zip(shape, paddings))
        return builder.emit(kind, (image, builder.integers("paddings", paddings)), shape, **options)
    for axis, pair in enumerate(paddings):
        if pair.any():
            taken = np.pad(np.arange(shape[axis]), pair, mode)
            shape = (*shape[:axis], len(taken), *shape[axis + 1 :])
            indices = builder.integers("indices", taken)
            image = builder.emit("GATHER", (image, indices), shape, axis=axis, batch_dims=0)
    return image


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
    options = {"beta": 1.0} if node.kind == "Softmax" else {}
    kind = {"Softmax": "SOFTMAX", "LogSoftmax": "LOG_SOFTMAX"}[node.kind]
    y = builder.emit(kind, (image,), builder.shape(image), **options)
    return result(y, x.shape, order)
