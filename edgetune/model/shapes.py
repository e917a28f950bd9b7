"""Output shapes, from inputs and options alone; for int8 and float graphs alike."""

from __future__ import annotations

from edgetune.model.graph import Graph, Operator


def output_shape(graph: Graph, operator: Operator) -> tuple[int, ...]:
    """The shape that ``operator`` computes; dimensions below 1 if its window does not fit."""
    shape = graph.tensors[operator.inputs[0]].shape
    if operator.kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        weights = graph.tensors[operator.inputs[1]].shape
        channels = weights[0] if operator.kind == "CONV_2D" else weights[3]
        return (1, *_windows(shape, weights[1:3], operator.options), channels)
    if operator.kind in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
        kernel = operator.options["filter_height"], operator.options["filter_width"]
        return (1, *_windows(shape, kernel, operator.options), shape[3])
    if operator.kind == "FULLY_CONNECTED":
        units = graph.tensors[operator.inputs[1]].shape[0]
        return (*shape[:-1], units) if operator.options["keep_num_dims"] else (1, units)
    if operator.kind == "MEAN":
        kept = len(shape) - 1 if operator.options["keep_dims"] else 1
        return (*(1,) * kept, shape[-1])
    if operator.kind == "PAD":
        paddings = graph.tensors[operator.inputs[1]].data
        return tuple(int(n + sum(p)) for n, p in zip(shape, paddings.tolist()))
    if operator.kind == "TRANSPOSE":
        return tuple(shape[i] for i in transposition(graph, operator))
    if operator.kind in ("RESHAPE", "SQUEEZE", "EXPAND_DIMS"):
        return graph.tensors[operator.outputs[0]].shape
    if operator.kind in ("ADD", "SUB", "MUL"):
        return _broadcast(shape, graph.tensors[operator.inputs[1]].shape)
    if operator.kind == "CONCATENATION":
        return _joined([graph.tensors[i].shape for i in operator.inputs], operator.options["axis"])
    if operator.kind == "STRIDED_SLICE":
        return tuple(end - begin for begin, end in slice_bounds(graph, operator))
    return shape


def transposition(graph: Graph, operator: Operator) -> list[int]:
    """The axes of a TRANSPOSE's input in the order of its output."""
    rank = len(graph.tensors[operator.inputs[0]].shape)
    order = [int(axis) for axis in graph.tensors[operator.inputs[1]].data.reshape(-1)]
    return [axis % rank for axis in order] if rank else order


def slice_bounds(graph: Graph, operator: Operator) -> list[tuple[int, int]]:
    """Begin and end, along each axis, of a STRIDED_SLICE whose strides are one."""
    shape = graph.tensors[operator.inputs[0]].shape
    begins, ends = (graph.tensors[i].data.reshape(-1).tolist() for i in operator.inputs[1:3])
    return [
        (
            0 if operator.options["begin_mask"] >> axis & 1 else _position(begin, size),
            size if operator.options["end_mask"] >> axis & 1 else _position(end, size),
        )
        for axis, (begin, end, size) in enumerate(zip(begins, ends, shape))
    ]


def _position(index: int, size: int) -> int:
    """As Python counts: from the end where negative, and no further than the ends."""
    return min(max(index + size if index < 0 else index, 0), size)


def _windows(shape, kernel, options) -> tuple[int, int]:
    """How many windows fit, down and across."""
    strides = options["stride_h"], options["stride_w"]
    if options["padding"] == "SAME":
        spans = shape[1:3]
    else:
        dilation = options.get("dilation_h_factor", 1), options.get("dilation_w_factor", 1)
        spans = [n - (k - 1) * d for n, k, d in zip(shape[1:3], kernel, dilation)]
    return tuple(-(-span // stride) for span, stride in zip(spans, strides))


def _broadcast(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    """The common shape of two operands; zeros where they do not agree."""
    rank = max(len(one), len(other))
    pairs = zip((1,) * (rank - len(one)) + one, (1,) * (rank - len(other)) + other)
    return tuple(max(a, b) if a == b or 1 in (a, b) else 0 for a, b in pairs)


def _joined(shapes: list[tuple[int, ...]], axis: int) -> tuple[int, ...]:
    """Operands one behind the other along ``axis``; a zero where they do not agree."""
    first = shapes[0]
    if not -len(first) <= axis < len(first):
        return (0,)
    axis %= len(first)
    others = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    if len(others) > 1 or any(len(shape) != len(first) for shape in shapes):
        return (0,)
    return (*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :])
