"""The float Graph run in numpy: float32, batched, on BLAS.

``run`` calls a hook with every activation as it is made; calibration looks at them there, and a
simulation of the int8 model rounds them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgetune.floats.operators import evaluate
from edgetune.model.graph import Graph, Operator
from edgetune.model.inputs import unpacked

Hook = Callable[[int, np.ndarray], np.ndarray]


class FloatEngine:
    """Runs a float Graph (``floats.graph``).

    Args:
        layers: weights and bias by operator index that stand in for the graph's own.
    """

    def __init__(self, graph: Graph, layers: dict[int, tuple[np.ndarray, ...]] | None = None):
        self.graph, self.layers = graph, layers or {}
        self.constants = {t.index: t.data for t in graph.tensors if t.data is not None}
        self.last_reader = {
            tensor: op.index for op in graph.operators for tensor in (*op.inputs, *op.outputs)
        }

    def run(self, x: np.ndarray, hook: Hook | None = None) -> np.ndarray:
        """The output for a batch of inputs.

        Args:
            x: float32 [n, *input shape without the batch]; of several inputs [n, elements of all].
            hook: called with the index and the value [n, ...] of each input and of each
                operator's output, in order; what it returns is what readers get.

        Returns:
            float32 [n, *output shape without the batch].
        """
        hook = hook or _unchanged
        sink = self.graph.outputs[0]
        parts = unpacked(np.asarray(x, np.float32), self.graph.input_tensors)
        values = {
            source: hook(source, self.clamped(source, part))
            for source, part in zip(self.graph.inputs, parts)
        }
        for op in self.graph.operators:
            operands = self.operands(values, op)
            shape = (len(x), *self.graph.tensors[op.outputs[0]].shape[1:])
            result = self.clamped(op.outputs[0], evaluate(op, operands, shape))
            values[op.outputs[0]] = hook(op.outputs[0], result)
            for i in {*op.inputs, *op.outputs} - {sink}:
                if self.last_reader[i] == op.index:
                    values.pop(i, None)
        return values[sink]

    def clamped(self, tensor: int, values: np.ndarray) -> np.ndarray:
        """``values`` inside the range that a quantised file gave them."""
        q = self.graph.tensors[tensor].quantization
        if q is None:
            return values
        ends = (np.array([-128, 127]) - q.zero_point[0]) * q.scale[0]
        return np.clip(values, *ends.astype(np.float32))

    def activations(self, x: np.ndarray) -> dict[int, np.ndarray]:
        """Every input and every operator's output, [n, ...], by tensor index."""
        values: dict[int, np.ndarray] = {}

        def keep(index: int, value: np.ndarray) -> np.ndarray:
            values[index] = value
            return value

        self.run(x, keep)
        return values

    def operands(self, values: dict[int, np.ndarray], op: Operator) -> list:
        """An operator's inputs: activations, constants, None for absent ones."""
        if op.index in self.layers:
            return [values[op.inputs[0]], *self.layers[op.index]]
        return [values[i] if i in values else self.constants.get(i) for i in op.inputs]

    def run_all(self, x: np.ndarray, batch: int = 32) -> np.ndarray:
        """``run`` in batches."""
        return np.concatenate([self.run(x[i : i + batch]) for i in range(0, len(x), batch)])


def _unchanged(index: int, value: np.ndarray) -> np.ndarray:
    return value
