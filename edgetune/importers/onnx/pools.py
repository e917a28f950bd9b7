"""Pools and means."""

from __future__ import annotations

from dataclasses import replace

from edgetune.importers.onnx.builder import Builder, image_axis, result
from edgetune.importers.onnx.elementwise import times
from edgetune.importers.onnx.node import Node
from edgetune.importers.onnx.values import Unsupported, Value, channels_last
from edgetune.importers.onnx.windows import (
    Axis,
    axes_of,
    fitting_padding,
    options_of,
    padded,
)

MAXIMA = ("GlobalMaxPool", "ReduceMax")
NEVER_NEGATIVE = ("RELU", "RELU6", "LOGISTIC", "SOFTMAX")


def max_pool(builder: Builder, node: Node) -> Value:
    if sum(name != "" for name in node.proto.output) > 1:
        raise Unsupported("the places of the maxima are asked for")
    x = node.activation()
    axes = axes_of(node, x.shape[2:], node.attributes["kernel_shape"])
    if any(axis.dilation != 1 for axis in axes):
        raise Unsupported("a pool with dilation")
    image = builder.arranged(x, channels_last(len(x.shape)))
    padding = fitting_padding(axes)
    if padding:
        y = _pool(builder, "MAX_POOL_2D", image, axes, padding)
    elif _producer(builder, image) in NEVER_NEGATIVE:
        y = _pool(builder, "MAX_POOL_2D", padded(builder, image, axes), axes, "VALID")
    else:
        y = _every_maximum(builder, image, axes)
    return _pooled(x, y, axes)


def _producer(builder: Builder, tensor: int) -> str:
    operator = builder.rewriter.producer(tensor)
    return operator.kind if operator else ""


def _every_maximum(builder: Builder, image: int, axes: list[Axis]) -> int:
    """Maxima at every place, then every stride-th: padding counts as nothing, as in ONNX."""
    every = [replace(axis, stride=1, out=axis.size) for axis in axes]
    some = [Axis(a.size, 1, a.stride, out=-(-a.size // a.stride)) for a in axes]
    if not all(a.is_same for a in every) or any(a.out != s.out for a, s in zip(axes, some)):
        raise Unsupported("padding that TFLite's pools do not know")
    y = _pool(builder, "MAX_POOL_2D", image, every, "SAME")
    return _pool(builder, "MAX_POOL_2D", y, some, "VALID")


def average_pool(builder: Builder, node: Node) -> Value:
    x = node.activation()
    axes = axes_of(node, x.shape[2:], node.attributes["kernel_shape"])
    if any(axis.dilation != 1 for axis in axes):
        raise Unsupported("a pool with dilation")
    image = builder.arranged(x, channels_last(len(x.shape)))
    zeros_count = node.attributes.get("count_include_pad", 0)
    padding = fitting_padding(axes)
    if padding != "VALID" and zeros_count and all(a.beyond <= a.end for a in axes):
        image, padding = padded(builder, image, axes), "VALID"
    if padding is None or (padding == "SAME" and zeros_count):
        raise Unsupported("padding that TFLite's pools do not know")
    return _pooled(x, _pool(builder, "AVERAGE_POOL_2D", image, axes, padding), axes)


def _pool(builder: Builder, kind: str, image: int, axes: list[Axis], padding: str) -> int:
    shape = (1, axes[0].out, axes[1].out, builder.shape(image)[3])
    kernel = {"filter_height": axes[0].kernel, "filter_width": axes[1].kernel}
    return builder.emit(kind, (image,), shape, **options_of(axes, padding), **kernel)


def _pooled(x: Value, tensor: int, axes: list[Axis]) -> Value:
    space = [axis.out for axis in axes][-(len(x.shape) - 2):]
    return result(tensor, (1, x.shape[1], *space), channels_last(len(x.shape)))


def global_pool(builder: Builder, node: Node) -> Value:
    x = node.activation()
    return reduced_over(builder, node, x, set(range(2, len(x.shape))), True)


def reduce(builder: Builder, node: Node) -> Value:
    """A mean, a sum or a maximum over any axes but the batch."""
    x, axes = node.activation(), node.integers("axes", 1)
    if not axes and node.attributes.get("noop_with_empty_axes", 0):
        return x
    rank = len(x.shape)
    axes = {i % rank for i in axes} if axes else set(range(1, rank))
    return reduced_over(builder, node, x, axes, bool(node.attributes.get("keepdims", 1)))


def reduced_over(builder: Builder, node: Node, x: Value, axes: set[int], keep: bool) -> Value:
    """What ``node`` makes of ``x`` over ``axes``: a maximum, a sum, else a mean."""
    if 0 in axes and x.shape[0] > 1:
        raise Unsupported(f"a reduction of {list(x.shape)} over the batch")
    order = _order_over_space(x, axes)
    if order is None:
        order = builder.order_of(x)
        y = _reduced_along(builder, node, builder.arranged(x, order), order, axes)
    else:
        y = _reduced(builder, node, builder.arranged(x, order))
    kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    value = result(y, kept, order)
    if node.kind == "ReduceSum":
        value = times(builder, value, float(x.size // value.size))
    return value if keep else value.view(value.places.squeeze(tuple(axes)))


def _order_over_space(x: Value, axes: set[int]) -> tuple[int, ...] | None:
    """An order in which ``axes`` are all of space; None where there is none."""
    rank = len(x.shape)
    chosen = axes | {i for i in range(1, rank) if x.shape[i] == 1}
    for order in (channels_last(rank), tuple(range(rank))):
        channels = order[-1] not in axes or x.shape[order[-1]] == 1
        if rank in (3, 4) and set(order[1:-1]) <= chosen and channels and x.stands_in(order):
            return order
    return None


def _reduced(builder: Builder, node: Node, image: int) -> int:
    _, height, width, channels = builder.shape(image)
    if node.kind in MAXIMA:
        whole = [Axis(height, height), Axis(width, width)]
        return _pool(builder, "MAX_POOL_2D", image, whole, "VALID")
    axes = builder.integers("axes", [1, 2])
    return builder.emit("MEAN", (image, axes), (1, 1, 1, channels), keep_dims=True)


def _reduced_along(builder: Builder, node: Node, image: int, order, axes: set[int]) -> int:
    """Over some axes of the image that has the ONNX axes in ``order``."""
    places = sorted(image_axis(order, axis) for axis in axes - {0})
    shape = [1 if i in places else n for i, n in enumerate(builder.shape(image))]
    kind = "REDUCE_MAX" if node.kind in MAXIMA else "MEAN"
    return builder.emit(kind, (image, builder.integers("axes", places)), shape, keep_dims=True)
