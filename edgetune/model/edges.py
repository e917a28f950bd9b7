"""Float and uint8 edges of an int8 model: left out, so that the model's ends are int8.

Converters put a QUANTIZE behind a float or uint8 input and a DEQUANTIZE or QUANTIZE before such
an output.  The int8 tensors inside carry the same information, and are what a device is sent
and answers.
"""

from __future__ import annotations

import numpy as np

from edgetune.model.graph import Graph, Operator, Tensor
from edgetune.model.inputs import places
from edgetune.model.islands import inside_islands
from edgetune.model.kinds import BRIDGES


def leave_out_edges(graph: Graph) -> None:
    """Moves ``graph.inputs`` and ``graph.outputs`` to the int8 side of their bridges."""
    graph.file_inputs, graph.file_outputs = graph.inputs, graph.outputs
    inner = inside_islands(graph)
    for index in graph.file_inputs:
        readers = [op for op in graph.operators if index in op.inputs]
        if len(readers) == 1 and _is_edge(graph, readers[0], inner) and (
            readers[0].inputs[0] == index
        ):
            graph.inputs = _instead(graph.inputs, index, readers[0].outputs[0])
            graph.operators.remove(readers[0])
        elif pair := _cast_to_int8(graph, index, readers):
            graph.inputs = _instead(graph.inputs, index, pair[1].outputs[0])
            graph.operators = [op for op in graph.operators if op not in pair]
    for index in graph.file_outputs:
        writer = next((op for op in graph.operators if index in op.outputs), None)
        read = any(index in op.inputs for op in graph.operators)
        if writer is not None and not read and _is_edge(graph, writer, inner):
            graph.outputs = _instead(graph.outputs, index, writer.inputs[0])
            graph.operators.remove(writer)


def _cast_to_int8(graph: Graph, index: int, readers: list[Operator]) -> list[Operator]:
    """CAST of a uint8 input to float and QUANTIZE of that, which take 128 off it; else none."""
    if len(readers) != 1 or readers[0].kind != "CAST" or len(readers[0].outputs) != 1:
        return []
    cast = readers[0]
    seconds = [op for op in graph.operators if cast.outputs[0] in op.inputs]
    if len(seconds) != 1 or seconds[0].kind != "QUANTIZE" or cast.outputs[0] in graph.outputs:
        return []
    outside, inside = (graph.tensors[i] for i in (index, seconds[0].outputs[0]))
    q = inside.quantization
    shifts = q is not None and q.scale.tolist() == [1] and q.zero_point.tolist() == [-128]
    types = [outside.dtype, graph.tensors[cast.outputs[0]].dtype, inside.dtype]
    return [cast, seconds[0]] if shifts and types == ["uint8", "float32", "int8"] else []


def _instead(indices: tuple[int, ...], old: int, new: int) -> tuple[int, ...]:
    return tuple(new if index == old else index for index in indices)


def _is_edge(graph: Graph, op: Operator, inner: set[int]) -> bool:
    if op.kind not in BRIDGES or len(op.inputs) != 1 or len(op.outputs) != 1 or -1 in op.inputs:
        return False
    if inner & {*op.inputs, *op.outputs}:
        return False
    ends = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    inside = [t for t in ends if t.dtype == "int8"]
    outside = [t for t in ends if t.dtype != "int8"]
    if len(inside) != 1 or ends[0].shape != ends[1].shape:
        return False
    return outside[0].dtype == "float32" or _shifted(inside[0], outside[0])


def _shifted(inside: Tensor, outside: Tensor) -> bool:
    """Whether a uint8 tensor holds the int8 tensor's values plus 128."""
    a, b = inside.quantization, outside.quantization
    return (
        outside.dtype == "uint8" and a is not None and b is not None
        and len(a.scale) == len(b.scale) == len(a.zero_point) == len(b.zero_point) == 1
        and a.scale[0] == b.scale[0] and a.zero_point[0] + 128 == b.zero_point[0]
    )


def to_file_input(graph: Graph, x: np.ndarray) -> np.ndarray:
    """Int8 values of ``graph.input`` in the type that the file's own input has; of several
    inputs one after another in the last axis, in a type that holds the values of all."""
    outside, inside = [graph.tensors[i] for i in graph.file_inputs], graph.input_tensors
    if len(inside) == 1:
        return _outwards(outside[0], inside[0], x)
    parts = zip(outside, inside, places(inside))
    return np.concatenate([_outwards(o, i, x[..., place]) for o, i, place in parts], axis=-1)


def from_file_output(graph: Graph, y: np.ndarray) -> np.ndarray:
    """Values of the file's own output as int8 values of ``graph.output``."""
    outside, inside = graph.tensors[graph.file_outputs[0]], graph.output
    if outside.dtype == "int8":
        return y
    if outside.dtype == "uint8":
        return (y.astype(np.int16) - 128).astype(np.int8)
    q = inside.grid
    return np.rint(y / np.float32(q.scale[0]) + q.zero_point[0]).astype(np.int8)


def _outwards(outside: Tensor, inside: Tensor, x: np.ndarray) -> np.ndarray:
    if outside.dtype == "int8":
        return x
    if outside.dtype == "uint8":
        return (x.astype(np.int16) + 128).astype(np.uint8)
    q = inside.grid
    return np.float32(q.scale[0]) * (x.astype(np.float32) - np.float32(q.zero_point[0]))
