"""Where one value decides: operators whose every output element depends on one element of one
activation and on constants of one value, alone or as a chain (``x * sigmoid(x)``).

Of an int8 value there are 256, so that such a chain is a table; of a real one a function that may
have a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from edgetune.model.graph import Operator, Tensor


class Chain(NamedTuple):
    """Operators in the order of the graph, of which only the last one's output is read outside;
    ``source`` is the activation that they all depend on."""

    source: int
    operators: list[Operator]


class OneValue:
    """The chains of a graph.

    Args:
        outputs: of the graph; what is read there is no inner part of a chain.
    """

    def __init__(self, tensors: Sequence[Tensor], operators: list[Operator], outputs: Iterable):
        self.tensors, self.outputs = tensors, set(outputs)
        self.producers = {op.outputs[0]: op for op in operators if op.outputs}
        self.order = {op.outputs[0]: i for i, op in enumerate(operators) if op.outputs}
        self.readers: dict[int, list[Operator]] = {}
        for op in operators:
            for index in dict.fromkeys(op.inputs):
                self.readers.setdefault(index, []).append(op)

    def chain(self, last: Operator, kinds: Iterable[str]) -> Chain | None:
        """The longest chain of ``kinds`` that ends in ``last``; None where more than one value
        decides."""
        if not self._elementwise(last, kinds):
            return None
        inside, open_ends = [last], self._activations(last)
        found = None
        while open_ends:
            if len(open_ends) == 1:
                found = Chain(min(open_ends), inside[::-1])
            latest = max(open_ends, key=lambda tensor: self.order.get(tensor, -1))
            producer = self.producers.get(latest)
            if producer is None or not self._only_inside(latest, inside):
                break
            if not self._elementwise(producer, kinds):
                break
            inside.append(producer)
            open_ends = (open_ends - {latest}) | self._activations(producer)
        return found

    def _only_inside(self, tensor: int, inside: list[Operator]) -> bool:
        """Whether nothing but the chain reads ``tensor``."""
        readers = self.readers.get(tensor, [])
        return tensor not in self.outputs and all(
            any(reader is op for op in inside) for reader in readers
        )

    def _elementwise(self, op: Operator, kinds: Iterable[str]) -> bool:
        if op.kind not in kinds or len(op.outputs) != 1 or min(op.inputs, default=-1) < 0:
            return False
        operands = [self.tensors[i] for i in op.inputs]
        if any(tensor.dtype == "bool" for tensor in operands):
            return False  # of a comparison that is not part of the operator
        shape = self.tensors[op.outputs[0]].shape
        return all(t.shape == shape if t.data is None else one_value(t) for t in operands)

    def _activations(self, op: Operator) -> set[int]:
        return {i for i in op.inputs if self.tensors[i].data is None}


def one_value(tensor: Tensor) -> bool:
    """Whether a constant holds one value, once or again and again."""
    data = tensor.values
    return data.size > 0 and bool((data == data.reshape(-1)[0]).all())
