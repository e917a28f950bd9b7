"""Changing a Graph: operators and tensors put in, taken out and joined up again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from edgetune.model.graph import Graph, Operator, Tensor


class Rewriter:
    """A Graph under change.  Tensors keep their index until ``graph`` renumbers them.

    Operators stay in an order in which each comes after those it reads.
    """

    def __init__(self, graph: Graph):
        self.tensors = [replace(tensor) for tensor in graph.tensors]
        self.operators = [replace(op, options=dict(op.options)) for op in graph.operators]
        self.inputs, self.outputs = tuple(graph.inputs), tuple(graph.outputs)

    def producer(self, tensor: int) -> Operator | None:
        """The operator that writes ``tensor``; None for inputs and constants."""
        return next((op for op in self.operators if tensor in op.outputs), None)

    def readers(self, tensor: int) -> list[Operator]:
        return [op for op in self.operators if tensor in op.inputs]

    def only_reader(self, tensor: int, operator: Operator) -> bool:
        """Whether nothing but ``operator`` uses ``tensor``."""
        return tensor not in self.outputs and self.readers(tensor) == [operator]

    def data(self, tensor: int) -> np.ndarray | None:
        """A constant's values; None for activations and absent operands (-1)."""
        return self.tensors[tensor].data if tensor >= 0 else None

    def shape(self, tensor: int) -> tuple[int, ...]:
        return self.tensors[tensor].shape

    def constant(self, name: str, values: np.ndarray) -> int:
        """Adds a constant of the values' own type; its index."""
        values = np.ascontiguousarray(values)
        return self._add(Tensor(-1, name, values.shape, str(values.dtype), data=values))

    def activation(self, name: str, shape: tuple[int, ...], dtype: str = "float32") -> int:
        """Adds a tensor that an operator is going to write; its index."""
        return self._add(Tensor(-1, name, tuple(shape), dtype))

    def _add(self, tensor: Tensor) -> int:
        tensor.index = len(self.tensors)
        self.tensors.append(tensor)
        return tensor.index

    def insert(
        self, place: Operator | None, kind: str, inputs: Iterable[int], outputs: Iterable[int],
        options: dict | None = None,
    ) -> Operator:
        """A new operator in front of ``place``, or at the end."""
        operator = Operator(-1, kind, tuple(inputs), tuple(outputs), dict(options or {}))
        at = len(self.operators) if place is None else self._position(place)
        self.operators.insert(at, operator)
        return operator

    def insert_after(
        self, place: Operator, kind: str, inputs: Iterable[int], outputs: Iterable[int],
        options: dict | None = None,
    ) -> Operator:
        operator = Operator(-1, kind, tuple(inputs), tuple(outputs), dict(options or {}))
        self.operators.insert(self._position(place) + 1, operator)
        return operator

    def remove(self, operator: Operator) -> None:
        del self.operators[self._position(operator)]

    def _position(self, operator: Operator) -> int:
        return next(i for i, op in enumerate(self.operators) if op is operator)

    def reconnect(self, old: int, new: int) -> None:
        """Whoever reads ``old`` reads ``new`` from now on, the graph's outputs too."""
        for op in self.operators:
            op.inputs = tuple(new if i == old else i for i in op.inputs)
        self.outputs = tuple(new if i == old else i for i in self.outputs)

    def absorb(self, operator: Operator, into: Operator) -> None:
        """Takes ``operator`` out; ``into``, the producer of its input, writes its output."""
        self.remove(operator)
        into.outputs = operator.outputs

    def graph(self) -> Graph:
        """The result, without what no output needs, numbered anew."""
        operators = self._needed()
        used = set(self.inputs) | set(self.outputs)
        for op in operators:
            used |= {*op.inputs, *op.outputs} - {-1}
        order = sorted(used)
        number = {old: new for new, old in enumerate(order)} | {-1: -1}
        return Graph(
            [replace(self.tensors[old], index=number[old]) for old in order],
            [_renumbered(op, i, number) for i, op in enumerate(operators)],
            tuple(number[i] for i in self.inputs),
            tuple(number[i] for i in self.outputs),
        )

    def _needed(self) -> list[Operator]:
        wanted, kept = set(self.outputs), []
        for op in reversed(self.operators):
            if wanted & set(op.outputs):
                wanted |= set(op.inputs)
                kept.append(op)
        return kept[::-1]


def _renumbered(operator: Operator, index: int, number: dict[int, int]) -> Operator:
    inputs = tuple(number[i] for i in operator.inputs)
    outputs = tuple(number[i] for i in operator.outputs)
    return replace(operator, index=index, inputs=inputs, outputs=outputs)
