"""A choice by comparison, as one operator.

``SELECT_V2(GREATER(a, b), c, d)`` becomes SELECT_V2 of the four operands a, b, c and d, so that the
truth values between the two stay inside of it.
"""

from __future__ import annotations

from dataclasses import replace

from edgetune.model.graph import Graph, Operator, Tensor

SELECTS = ("SELECT_V2", "SELECT")
ORDERS = {  # of the operands compared and of those chosen from, so that the first is the greater
    "GREATER": ((0, 1), (1, 2)), "LESS": ((1, 0), (1, 2)),
    "GREATER_EQUAL": ((1, 0), (2, 1)), "LESS_EQUAL": ((0, 1), (2, 1)),
}


def join_selections(graph: Graph) -> None:
    """Joins every comparison to the only operator that reads it, where that is a SELECT_V2."""
    for comparison in [op for op in graph.operators if op.kind in ORDERS]:
        select = _only_select(graph, comparison)
        if select is not None and len(comparison.inputs) == 2 and len(select.inputs) == 3:
            compared, chosen = ORDERS[comparison.kind]
            select.kind = "SELECT_V2"
            select.inputs = (
                *(comparison.inputs[i] for i in compared), *(select.inputs[i] for i in chosen)
            )
            graph.operators.remove(comparison)
            graph.folded.append(comparison)


def as_in_files(graph: Graph) -> Graph:
    """``graph`` with such an operator as the two that a file has; a graph without any as it is."""
    if not any(map(_is_joined, graph.operators)):
        return graph
    graph = replace(graph, tensors=list(graph.tensors), operators=list(graph.operators))
    for place, op in reversed(list(enumerate(graph.operators))):
        if _is_joined(op):
            truth = Tensor(
                len(graph.tensors), f"{graph.tensors[op.outputs[0]].name}/condition",
                graph.tensors[op.outputs[0]].shape, "bool",
            )
            graph.tensors.append(truth)
            graph.operators[place : place + 1] = [
                Operator(op.index, "GREATER", op.inputs[:2], (truth.index,)),
                replace(op, inputs=(truth.index, *op.inputs[2:])),
            ]
    return graph


def _is_joined(op: Operator) -> bool:
    return op.kind == "SELECT_V2" and len(op.inputs) == 4


def _only_select(graph: Graph, comparison: Operator) -> Operator | None:
    if len(comparison.outputs) != 1 or comparison.outputs[0] in graph.outputs:
        return None
    readers = [op for op in graph.operators if comparison.outputs[0] in op.inputs]
    if len(readers) != 1 or readers[0].kind not in SELECTS:
        return None
    return readers[0] if readers[0].inputs[0] == comparison.outputs[0] else None
