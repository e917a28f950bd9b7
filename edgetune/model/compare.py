"""Whether two files hold the same model, but for the weights that were trained."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest

import numpy as np

from edgetune.model.graph import Graph, Operator, Place, Quantization, Tensor


def users_of(graph: Graph) -> dict[int, set[Place]]:
    """Which inputs of which operators are a tensor, by tensor; the graph's outputs are the
    inputs of an operator -1, and so are the file's other ones."""
    users: dict[int, set[Place]] = {tensor.index: set() for tensor in graph.tensors}
    others = tuple(other.tensor for other in graph.other_outputs)
    ends = Operator(-1, "", (*graph.outputs, *others), ())
    for operator in (*graph.operators, *graph.folded, *graph.cut, ends):
        for number, tensor in enumerate(operator.inputs):
            if tensor >= 0:
                users[tensor].add((operator.index, number))
    return users


def same_but_for(graph: Graph, other: Graph, places: Iterable[Place]) -> bool:
    """Whether ``other`` is the model ``graph`` with other values at ``places``.

    There it may have tensors of its own, and a bias where ``graph`` has none.  Tensors that both
    have keep their number.
    """
    places = set(places)
    free = {tensor for tensor, users in users_of(graph).items() if users and users <= places}
    return (
        _ends(graph) == _ends(other)
        and graph.metadata == other.metadata
        and len(_all_operators(graph)) == len(_all_operators(other))
        and _same_tensors(_of_file(graph), _of_file(other), free)
        and len(_made(graph)) == len(_made(other))
        and _same_tensors(_made(graph), _made(other), set())
        and all(
            _same_operator(graph, a, other, b, places)
            for a, b in zip(_all_operators(graph), _all_operators(other))
        )
    )


def _of_file(graph: Graph) -> list[Tensor]:
    return [tensor for tensor in graph.tensors if not tensor.made]


def _made(graph: Graph) -> list[Tensor]:
    return [tensor for tensor in graph.tensors if tensor.made]


def _same_tensors(old: list[Tensor], new: list[Tensor], free: set[int]) -> bool:
    """Whether the first of ``new`` are ``old``, but for the data of those that are free."""
    return len(old) <= len(new) and all(
        a.name == b.name and _same_kind(a, b) and (a.index in free or _same_data(a, b))
        for a, b in zip(old, new)
    )


def _number(graph: Graph, tensor: int) -> int:
    """As both files count: what was made while reading stands behind all that a file has."""
    count = len(_of_file(graph))
    return tensor if tensor < count else count - tensor - 2


def _ends(graph: Graph) -> tuple:
    return (
        graph.inputs, graph.outputs, graph.file_inputs, graph.file_outputs, graph.output_number,
        graph.other_outputs, graph.frames,
    )


def _all_operators(graph: Graph) -> list[Operator]:
    """Those that only the file's other outputs need too."""
    return [*graph.operators, *graph.cut]


def _same_operator(graph: Graph, a: Operator, other: Graph, b: Operator, places: set) -> bool:
    if (a.index, a.kind, a.options) != (b.index, b.kind, b.options) or (
        [_number(graph, i) for i in a.outputs] != [_number(other, i) for i in b.outputs]
    ):
        return False
    inputs = enumerate(zip_longest(a.inputs, b.inputs, fillvalue=-1))
    return all(
        _number(graph, i) == _number(other, j)
        or ((a.index, number) in places and _may_replace(graph, i, other, j))
        for number, (i, j) in inputs
    )


def _may_replace(graph: Graph, old: int, other: Graph, new: int) -> bool:
    """Whether a tensor may stand where another one, or none, stood: weights of the same scales,
    and any bias, since reading has checked its type and scales against its operator."""
    if new < 0:
        return False
    if old < 0 or graph.tensors[old].dtype == "int32":
        return True
    return _same_kind(graph.tensors[old], other.tensors[new])


def _same_kind(a: Tensor, b: Tensor) -> bool:
    return (a.shape, a.dtype) == (b.shape, b.dtype) and _same_scales(
        a.quantization, b.quantization
    )


def _same_scales(a: Quantization | None, b: Quantization | None) -> bool:
    if a is None or b is None:
        return a is b
    return (
        a.axis == b.axis
        and np.array_equal(a.scale, b.scale)
        and np.array_equal(a.zero_point, b.zero_point)
    )


def _same_data(a: Tensor, b: Tensor) -> bool:
    if a.data is None or b.data is None:
        return a.data is b.data
    return np.array_equal(a.data, b.data)
