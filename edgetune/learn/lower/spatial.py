"""Lowering of pools, means, padding and softmax, and of windows."""

from __future__ import annotations

from edgetune.errors import ModelError
from edgetune.learn import operators as p
from edgetune.learn.fixedpoint import quantize_multiplier
from edgetune.learn.lower.tensors import Tensors
from edgetune.learn.program import Window, exponential_table
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
        pad = _paddings(tensors, tensors.folded_pads[op.inputs[0]])[0]
    elif options["padding"] == "SAME":
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, (down, along))]
        size = tensors.activation(op.inputs[0]).shape
        out = tensors.graph.tensors[op.outputs[0]].shape[1:3]
        pad = tuple(max(0, (out[i] - 1) * stride[i] + reach[i] - size[i]) // 2 for i in (0, 1))
    return Window(kernel, stride, pad, (down, along))


def _pool(kind: type[p.MaxPool2D] | type[p.AveragePool2D], tensors: Tensors, op: Operator) -> None:
    low, high, clip = tensors.range(op)
    window = window_of(tensors, op, (op.options["filter_height"], op.options["filter_width"]))
    tensors.layers.append(kind(*tensors.place(op, clip), window, low, high))


def _max_pool_2d(tensors: Tensors, op: Operator) -> None:
    _pool(p.MaxPool2D, tensors, op)


def _average_pool_2d(tensors: Tensors, op: Operator) -> None:
    _pool(p.AveragePool2D, tensors, op)


def mean_multiplier(real: float, count: int) -> tuple[int, int]:
    """Multiplier and shift for ``real / count``, the division rounded down as TFLite does."""
    multiplier, shift = quantize_multiplier(real)
    room = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << room) // count, shift - room


def _mean(tensors: Tensors, op: Operator) -> None:
    height, width, _ = tensors.activation(op.inputs[0]).shape
    real = tensors.scale(op.inputs[0]) / tensors.scale(op.outputs[0])
    pair = mean_multiplier(real, height * width)
    zero_points = tensors.zero_point(op.inputs[0]), tensors.zero_point(op.outputs[0])
    tensors.layers.append(p.Mean(*tensors.place(op), *pair, *zero_points))


def _paddings(tensors: Tensors, op: Operator) -> tuple[tuple[int, int], tuple[int, int]]:
    """Before and after, each (height, width)."""
    rows = tensors.graph.tensors[op.inputs[1]].values.reshape(-1, 2)[1:3]
    (top, bottom), (left, right) = rows.tolist()
    return (top, left), (bottom, right)


def _pad(tensors: Tensors, op: Operator) -> None:
    if _folds(tensors, op):
        tensors.of_tensor[op.outputs[0]] = tensors.index(op.inputs[0])
        tensors.folded_pads[op.outputs[0]] = op
        return
    before, after = _paddings(tensors, op)
    # Padded cells are constants, but the producer's bounds hold for the cells it made.
    source = tensors.activation(op.inputs[0])
    place = tensors.place(op, (source.clip_low, source.clip_high))
    tensors.layers.append(p.Pad(*place, before, after, tensors.zero_point(op.inputs[0])))


def _folds(tensors: Tensors, op: Operator) -> bool:
    """Whether a convolution can take over the padding."""
    readers = tensors.readers.get(op.outputs[0], [])
    return (
        len(readers) == 1 and readers[0].kind in CONVOLUTIONS
        and readers[0].options["padding"] == "VALID"
        and op.outputs[0] not in tensors.graph.outputs
        and op.inputs[0] not in tensors.folded_pads
    )


def _softmax(tensors: Tensors, op: Operator) -> None:
    source = tensors.activation(op.inputs[0])
    if source.shape[2] != source.size:
        raise ModelError(
            f"operator {op.index} (SOFTMAX) works on {list(source.shape)}",
            "edgetune takes a softmax over one vector of classes",
            "pool or flatten the map first",
        )
    beta = float(op.options.get("beta", 1.0))
    table = exponential_table(beta * tensors.scale(op.inputs[0]))
    tensors.layers.append(p.Softmax(*tensors.place(op), table))


LOWERINGS = {
    "MAX_POOL_2D": _max_pool_2d,
    "AVERAGE_POOL_2D": _average_pool_2d,
    "MEAN": _mean,
    "PAD": _pad,
    "SOFTMAX": _softmax,
}
