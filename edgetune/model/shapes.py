"""Output shapes, from inputs and options alone."""

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
        return (1, 1, 1, shape[3]) if operator.options["keep_dims"] else (1, shape[3])
    if operator.kind == "PAD":
        paddings = graph.tensors[operator.inputs[1]].data
        return tuple(int(n + sum(p)) for n, p in zip(shape, paddings.tolist()))
    if operator.kind == "RESHAPE":
        return graph.tensors[operator.outputs[0]].shape
    return shape


def _windows(shape, kernel, options) -> tuple[int, int]:
    """How many windows fit, down and across."""
    strides = options["stride_h"], options["stride_w"]
    spans = shape[1:3] if options["padding"] == "SAME" else (
        shape[1] - kernel[0] + 1, shape[2] - kernel[1] + 1
    )
    return tuple(-(-span // stride) for span, stride in zip(spans, strides))
