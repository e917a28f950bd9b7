"""Why edgetune does not run an operator of a kind that it knows; ``kinds`` says what is whose.

Every function takes the graph and one of its operators, of the right inputs, and returns a reason,
or None where it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgetune.model.shapes import reduced_axes, reduction

if TYPE_CHECKING:  # a Graph's operators look up their kind, which knows these functions
    from edgetune.model.graph import Graph, Operator


def grouped(graph: Graph, operator: Operator) -> str | None:
    shape, weights = (graph.tensors[i].shape for i in operator.inputs[:2])
    if len(shape) == len(weights) == 4 and weights[3] < shape[3]:
        return "grouped convolution"
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
    if pairs.ndim == 2 and pairs[[0, -1]].any():
        return "padding of the batch or of channels"
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


def fused(graph: Graph, operator: Operator) -> str | None:
    if operator.options["fused_activation_function"] != "NONE":
        return "fused activation of a concatenation"
    return None


def unlike_shapes(graph: Graph, operator: Operator) -> str | None:
    """Neither operand is the other's shape or its last dimensions: none fits by repeating it."""
    shapes = [graph.tensors[i].shape for i in operator.operands]
    small, large = sorted(map(_bare, shapes), key=len)
    if large[len(large) - len(small) :] != small:
        return f"operands of the shapes {' and '.join(str(list(shape)) for shape in shapes)}"
    return None


def _bare(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without leading dimensions of one."""
    first = next((i for i, size in enumerate(shape) if size != 1), len(shape))
    return shape[first:]


def many_values(graph: Graph, operator: Operator) -> str | None:
    """An operator that runs as a table, and more than one value decides."""
    from edgetune.model.kinds import ELEMENTWISE  # which hold this function
    from edgetune.model.one_value import OneValue

    chains = OneValue(graph.tensors, graph.operators, graph.outputs)
    if chains.chain(operator, ELEMENTWISE) is not None:
        return None
    if any(graph.tensors[i].data is not None for i in operator.inputs):
        return "a constant with more than one value"
    return "two activations that are not made of one"
