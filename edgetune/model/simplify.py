"""What a file says in another way than the kinds have it, brought to their form while reading.

Operators keep their numbers in the file, so that trained weights find their way back; the file
itself stays as it is.
"""

from __future__ import annotations

from dataclasses import replace

from edgetune.model.dilation import join_dilated
from edgetune.model.folding import fold_constants
from edgetune.model.graph import Graph, Operator
from edgetune.model.selection import join_selections
from edgetune.model.transposed import in_order


def simplify(graph: Graph) -> Graph:
    """The graph without what is constant, its dilated convolutions and paddings as such.

    Args:
        graph: as decoded and in order; it is not changed.
    """
    graph = replace(
        graph, tensors=[replace(t) for t in graph.tensors],
        operators=[replace(op, options=dict(op.options)) for op in graph.operators], folded=[],
    )
    fold_constants(graph)
    join_dilated(graph)
    join_selections(graph)
    for op in graph.operators:
        if op.kind == "PADV2":
            _plain_pad(graph, op)
        elif op.kind == "DEPTHWISE_CONV_2D":
            _multiplier_by_shapes(graph, op)
        elif op.kind == "TRANSPOSE_CONV":
            in_order(graph, op)
        elif op.kind == "FULLY_CONNECTED":
            _as_many_vectors(graph, op)
    return graph


def _plain_pad(graph: Graph, op: Operator) -> None:
    """PADV2 with what stands for zero is PAD."""
    if len(op.inputs) != 3 or -1 in op.inputs:
        return
    data, _, value = (graph.tensors[i] for i in op.inputs)
    if value.data is None or value.size != 1 or value.dtype != data.dtype:
        return
    zero = 0 if data.quantization is None else data.quantization.zero_point[0]
    if value.data.reshape(()) == zero:
        op.kind, op.inputs = "PAD", op.inputs[:2]


def _as_many_vectors(graph: Graph, op: Operator) -> None:
    """One vector for each that it reads: where the batch was open, the file says one."""
    if len(op.inputs) < 2 or -1 in op.inputs[:2] or len(op.outputs) != 1:
        return
    data, weights = (graph.tensors[i].shape for i in op.inputs[:2])
    output = graph.tensors[op.outputs[0]]
    of_rows = len(data) == len(weights) == 2 and data[1] == weights[1] and data[0] > 1
    if of_rows and output.shape == (1, weights[0]):
        output.shape = (data[0], weights[0])


def _multiplier_by_shapes(graph: Graph, op: Operator) -> None:
    """TFLite ignores the option, which some files have wrong."""
    if len(op.inputs) < 2 or -1 in op.inputs[:2]:
        return
    data, weights = (graph.tensors[i].shape for i in op.inputs[:2])
    if len(data) == len(weights) == 4 and data[3] > 0 and weights[3] % data[3] == 0:
        op.options["depth_multiplier"] = weights[3] // data[3]
