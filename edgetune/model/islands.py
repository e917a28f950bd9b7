"""Functions of one value that an int8 file computes in float, for want of an int8 kernel.

DEQUANTIZE, NEG, QUANTIZE become that QUANTIZE, from int8 to int8, whose option ``through`` names
what lies between.
"""

from __future__ import annotations

from edgetune.model.graph import Graph, Operator

THROUGH = ("NEG", "ABS", "SQUARE", "SQRT", "EXP", "LOG", "ELU")


def join_islands(graph: Graph) -> None:
    for start in [op for op in graph.operators if op.kind == "DEQUANTIZE"]:
        island = _island(graph, start)
        if island:
            *inside, end = island
            end.options["through"] = tuple(op.kind for op in inside[1:])
            end.inputs = start.inputs
            for op in inside:
                graph.operators.remove(op)
                graph.folded.append(op)


def inside_islands(graph: Graph) -> set[int]:
    """The float tensors that ``join_islands`` takes out."""
    starts = [op for op in graph.operators if op.kind == "DEQUANTIZE"]
    return {i for start in starts for op in _island(graph, start)[:-1] for i in op.outputs}


def _island(graph: Graph, start: Operator) -> list[Operator]:
    """From a DEQUANTIZE of an int8 activation to the QUANTIZE behind it; none where something
    else is read, or reads what lies between."""
    island = [start]
    while True:
        op = island[-1]
        if len(op.inputs) != 1 or len(op.outputs) != 1 or op.inputs[0] < 0:
            return []
        source, target = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
        if source.data is not None or source.shape != target.shape:
            return []
        if op.kind == "QUANTIZE":
            ends = graph.tensors[start.inputs[0]].dtype, target.dtype
            return island if ends == ("int8", "int8") else []
        readers = [r for r in graph.operators if op.outputs[0] in r.inputs]
        if target.dtype != "float32" or op.outputs[0] in graph.outputs or len(readers) != 1:
            return []
        if readers[0].kind not in (*THROUGH, "QUANTIZE"):
            return []
        island.append(readers[0])
