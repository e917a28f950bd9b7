"""Why edgetune does not run an operator of a kind that it knows; ``kinds`` says what is whose.

Every function takes the graph and one of its operators, of the right inputs, and returns a reason,
or None where it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgetune.model.interpolation import interpolations
from edgetune.model.shapes import broadcast, reduced_axes, reduction

LEAST_LOGIT = 2.0**-26  # of LOG_SOFTMAX: scale * 2**26 is more than one

if TYPE_CHECKING:  # a Graph's operators look up their kind, which knows these functions
    from edgetune.model.graph import Graph, Operator


def transposed(graph: Graph, operator: Operator) -> str | None:
    if operator.options.get("output_shape") is None:
        return "an output shape that is computed, not constant"
    return None


def dense_layouts(graph: Graph, operator: Operator) -> str | None:
    """Several vectors that are not one a cell of the input, but cut out of its rows; or scales a
    channel over more than two dimensions, where TFLite's reference kernel looks at two."""
    shape = graph.tensors[operator.inputs[0]].shape
    weights = graph.tensors[operator.inputs[1]].shape
    size = graph.tensors[operator.inputs[0]].size
    if len(weights) != 2 or size == weights[1]:
        return None
    if shape[-1:] == weights[1:]:
        output, grid = (graph.tensors[i] for i in (operator.outputs[0], operator.inputs[1]))
        scales = grid.quantization is not None and grid.quantization.per_channel
        if scales and len(output.shape) > 2:
            return (
                f"scales per channel over {size // weights[1]} vectors in {len(output.shape)} "
                "dimensions, which TFLite's reference kernel does not compute"
            )
        return None
    if weights[1] and size % weights[1] == 0:
        return f"a dense layer over {size // weights[1]} vectors cut out of {list(shape)}"
    return None


def scattered_axes(graph: Graph, operator: Operator) -> str | None:
    """A reduction over axes that lie apart more than once; four dimensions have no such."""
    if reduction(graph, operator) is None:
        shape = list(graph.tensors[operator.inputs[0]].shape)
        return f"the axes {sorted(reduced_axes(graph, operator))} of {shape}"
    return None


def paddings(graph: Graph, operator: Operator) -> str | None:
    pairs = graph.tensors[operator.inputs[1]].values
    if pairs.ndim == 2 and pairs[:1].any():
        return "padding of the batch"
    return None


def batches(graph: Graph, operator: Operator) -> str | None:
    if operator.options["batch_dims"]:
        return "indices of their own for each batch"
    return None


def both_corners(graph: Graph, operator: Operator) -> str | None:
    """TFLite refuses it as well."""
    if operator.options["align_corners"] and operator.options["half_pixel_centers"]:
        return "corners aligned and pixels' centers at once"
    return None


def interpolation(graph: Graph, operator: Operator) -> str | None:
    """What TFLite refuses, and where its int8 kernel reads what does not belong to the input."""
    shape, size = (graph.tensors[i] for i in operator.inputs)
    if reason := both_corners(graph, operator):
        return reason
    if len(shape.shape) != 4 or size.values.size != 2 or size.values.min() < 1:
        return None  # said elsewhere
    axes = interpolations(shape.shape, size.values, operator.options)
    for axis in axes:
        if axis.beyond:
            return (
                f"{axis.size} rows or columns resized to {axis.out}, for which TFLite's kernel "
                "reads behind the last one"
            )
    return None


def fused(graph: Graph, operator: Operator) -> str | None:
    if operator.options["fused_activation_function"] != "NONE":
        return "fused activation of a concatenation"
    return None


def not_last(graph: Graph, operator: Operator) -> str | None:
    return None if operator is graph.operators[-1] else "a softmax before the end"


def logarithms(graph: Graph, operator: Operator) -> str | None:
    q = graph.tensors[operator.inputs[0]].quantization
    if q is not None and len(q.scale) and q.scale[0] <= LEAST_LOGIT:
        return f"logits of the scale {q.scale[0]:.3g}, which TFLite's kernel does not take"
    return not_last(graph, operator)


def chosen(graph: Graph, operator: Operator) -> str | None:
    """Of SELECT_V2: it runs as a table."""
    from edgetune.model.kinds import ELEMENTWISE  # which hold this function
    from edgetune.model.one_value import OneValue

    if len(operator.inputs) == 3:
        return "a condition that is no comparison of its own"
    grids = [graph.tensors[i].quantization for i in operator.inputs[:2]]
    if any(q is not None and len(q.scale) and q.scale[0] >= 1 for q in grids):
        return "scales of one and more, which TFLite's comparison does not take"
    chains = OneValue(graph.tensors, graph.operators, graph.outputs)
    if chains.chain(operator, ELEMENTWISE) is None:
        return "more than one value decides"
    return None


def slopes(graph: Graph, operator: Operator) -> str | None:
    """Of PRELU."""
    x, given = (graph.tensors[i] for i in operator.inputs)
    if given.data is None:
        return "slopes that are computed, not constant"
    if broadcast(graph, operator) != x.shape:
        return f"slopes of the shape {list(given.shape)} for {list(x.shape)}"
    return None
