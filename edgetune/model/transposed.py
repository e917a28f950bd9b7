"""TRANSPOSE_CONV, whose inputs a file has in an order of its own: its output's shape, weights,
input and bias.  A Graph has them as those of all that has weights, the shape among the options.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgetune.model.graph import Graph, Operator, Tensor

KIND = "TRANSPOSE_CONV"
SHAPE = "output_shape"  # the option: None where it is no constant of integers
IN_FILE = (2, 1, 3)  # places of input, weights and bias


def in_order(graph: Graph, op: Operator) -> None:
    """From the file's order to the Graph's."""
    if not 3 <= len(op.inputs) <= 4 or -1 in op.inputs[:3]:
        return
    shape = graph.tensors[op.inputs[0]]
    constant = shape.data is not None and shape.dtype == "int32"
    op.options[SHAPE] = tuple(shape.values.reshape(-1).tolist()) if constant else None
    op.inputs = tuple(op.inputs[place] for place in IN_FILE[: len(op.inputs) - 1])


def as_in_files(graph: Graph) -> Graph:
    """``graph`` with such operators' inputs as a file has them, and a shape for every RESHAPE that
    has none; a graph without any as it is."""
    if not any(map(_lacks_shape, graph.operators)):
        return graph
    graph = replace(graph, tensors=list(graph.tensors), operators=[
        replace(op) for op in graph.operators
    ])
    for op in filter(_lacks_shape, graph.operators):
        shape = _shape_of(graph, op.outputs[0])
        if op.kind == KIND:
            data, weights, *bias = op.inputs
            op.inputs = (shape, weights, data, *bias)
        else:
            op.inputs = (op.inputs[0], shape)
    return graph


def _lacks_shape(op: Operator) -> bool:
    return op.kind == KIND or op.kind == "RESHAPE" and len(op.inputs) == 1


def _shape_of(graph: Graph, result: int) -> int:
    """A new tensor that holds the shape of tensor ``result``; its number."""
    tensor = graph.tensors[result]
    shape = np.array(tensor.shape, np.int32)
    index = len(graph.tensors)
    graph.tensors.append(Tensor(index, f"{tensor.name}/shape", shape.shape, "int32", data=shape))
    return index


def place_in_file(op: Operator, place: int) -> int:
    """Where input number ``place`` of a Graph's operator stands in its file."""
    return IN_FILE[place] if op.kind == KIND else place
