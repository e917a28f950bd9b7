"""What operators with a window share: how it lies on the input, padding taken over or not."""

from __future__ import annotations

from collections.abc import Callable

from edgetune.learn.program import Layer, Shape, Window
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def window_of(tensors: Tensors, op: Operator, kernel: tuple[int, int]) -> Window:
    """The window of a convolution or pool; a kernel of one has no dilation."""
    options = op.options
    stride = options["stride_h"], options["stride_w"]
    down, along = (
        options.get(f"dilation_{axis}_factor", 1) if size > 1 else 1
        for axis, size in zip("hw", kernel)
    )
    pad = (0, 0)
    if op.inputs[0] in tensors.folded_pads:
        top, left, _ = paddings(tensors, tensors.folded_pads[op.inputs[0]])[0]
        pad = top, left
    elif options["padding"] == "SAME":
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, (down, along))]
        size = tensors.activation(op.inputs[0]).shape
        out = tensors.graph.tensors[op.outputs[0]].shape[1:3]
        pad = tuple(max(0, (out[i] - 1) * stride[i] + reach[i] - size[i]) // 2 for i in (0, 1))
    return Window(kernel, stride, pad, (down, along))


def paddings(tensors: Tensors, op: Operator) -> tuple[Shape, Shape]:
    """Before and after, each (height, width, channels); a sequence is one row high, a vector one
    cell."""
    rows = tensors.graph.tensors[op.inputs[1]].values.reshape(-1, 2)[1:].tolist()
    (top, bottom), (left, right), (front, back) = [[0, 0]] * (3 - len(rows)) + rows
    return (top, left, front), (bottom, right, back)


def lower_pool(kind: Callable[..., Layer], tensors: Tensors, op: Operator) -> None:
    low, high, clip = tensors.range(op)
    window = window_of(tensors, op, (op.options["filter_height"], op.options["filter_width"]))
    tensors.layers.append(kind(*tensors.place(op, clip), window, low, high))
