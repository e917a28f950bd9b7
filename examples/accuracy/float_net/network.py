"""The Network: a Graph's layers in order, and the walk down through them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgetune.model.graph import Graph
from edgetune.model.inputs import unpacked

from .layer import Layer
from .losses import Loss, SoftmaxCrossEntropy
from .make import dequantize, make_fused, make_layer, rounded
from .optimizers import Sgd
from .weighted import Weighted

VIEWS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
BATCH = 25  # samples run at once where only outputs are asked for


@dataclass
class Node:
    """A layer, its fused activation, and the tensors (Graph indices) that it reads and writes."""

    layer: Layer
    fused: Layer | None
    inputs: tuple[int, ...]
    output: int

    def forward(self, *inputs):
        y = self.layer.forward(*inputs)
        return self.fused.forward(y) if self.fused else y

    def backward(self, dy):
        return self.layer.backward(*(self.fused.backward(dy) if self.fused else (dy,)))


class Network:
    """Any Graph that edgetune reads, up to what its loss reads.

    Args:
        loss: an operator at the end that belongs to it is left out (``Loss.closing``).
        optimizer: ``Sgd()`` or a fresh ``Adam()``.
        dtype: np.float32, or np.float64 to hold gradients against finite differences.
        on_grid: rounds every activation to its int8 grid, and lets gradients pass as if it did
            not: the float gradient at the values that the int8 model takes.

    ``trained``: the weighted layers that a step moves, in the Graph's order.
    """

    def __init__(self, graph: Graph, loss: Loss | None = None, optimizer=None, dtype=np.float32,
                 on_grid: bool = False):
        self.loss, self.optimizer = loss or SoftmaxCrossEntropy(), optimizer or Sgd()
        self.tensors = graph.tensors if on_grid else None
        self.sources, self.end = graph.input_tensors, _end(graph, self.loss.closing)
        self.nodes = [
            Node(make_layer(graph, o, dtype, k), make_fused(o), o.operands, output)
            for o, k, output in _needed(graph, self.end)
        ]
        self.constants = {
            i: _constant(dequantize(graph.tensors[i], dtype))
            for node in self.nodes for i in node.inputs if graph.tensors[i].data is not None
        }
        self.train_only([n.layer for n in self.nodes if isinstance(n.layer, Weighted)])

    def train_only(self, layers: list[Weighted]) -> None:
        """Trains ``layers`` and nothing else; errors go down no further than they have to."""
        self.trained, self.reached = layers, set()
        for node in self.nodes:
            inside = not self.reached.isdisjoint(node.inputs)
            if inside or any(node.layer is layer for layer in layers):
                self.reached.add(node.output)
            if isinstance(node.layer, Weighted):
                node.layer.wants_dx = inside

    def reset_head(self) -> None:
        """Zeroes the last weighted layer and leaves it as the only one to train."""
        self.train_only(self.trained[-1:])
        self.trained[0].weights[:] = 0
        self.trained[0].bias[:] = 0

    def logits(self, x: np.ndarray) -> np.ndarray:
        """What the loss reads, (n, outputs), for ``x`` (n, ...) in real units; of several inputs
        (n, values of all)."""
        parts = zip(self.sources, unpacked(x, self.sources))
        values = {**self.constants, **{source.index: part for source, part in parts}}
        for node in self.nodes:
            y = node.forward(*(values[i] for i in node.inputs))
            values[node.output] = rounded(y, self.tensors[node.output]) if self.tensors else y
        self.end_shape = values[self.end].shape
        return values[self.end].reshape(len(x), -1)

    def gradients(self, x: np.ndarray, target) -> float:
        """Sets every trained layer's ``d_weights`` and ``d_bias``; returns the loss."""
        outputs, target = self.logits(x), self.loss.target(x, target)
        errors = {self.end: self.loss.slope(outputs, target).reshape(self.end_shape)}
        for node in reversed(self.nodes):
            if node.output not in self.reached:
                continue
            for i, dx in zip(node.inputs, node.backward(errors.pop(node.output)), strict=True):
                if i in self.reached:  # read by several layers: their errors add up
                    errors[i] = errors[i] + dx if i in errors else dx
        return self.loss.value(outputs, target)

    def step(self, x: np.ndarray, target, rate: float) -> None:
        """One step of the optimiser on the mean loss of ``x`` (n, ...)."""
        self.gradients(x, target)
        self.optimizer.update(self.trained, rate)

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """``logits`` in batches."""
        return np.concatenate([self.logits(x[i : i + BATCH]) for i in range(0, len(x), BATCH)])

    def accuracy(self, x: np.ndarray, y: np.ndarray) -> float:
        """Share of ``x`` whose largest logit (the first of equals) is the label, 0..1."""
        return float((self.outputs(x).argmax(axis=1) == y).mean())


def _end(graph: Graph, closing: tuple[str, ...]) -> int:
    """The tensor that the loss reads: behind a closing operator, if the model ends with it."""
    makers = {o.outputs[0]: o for o in graph.operators}
    last = makers[graph.outputs[0]]
    while last.kind in VIEWS and last.inputs[0] in makers:
        last = makers[last.inputs[0]]
    return last.inputs[0] if last.kind in closing else graph.outputs[0]


def _needed(graph: Graph, end: int) -> list:
    """What ``end`` depends on, in order: operators, and which of their outputs."""
    wanted, needed = {end}, []
    for operator in reversed(graph.operators):
        for k, output in enumerate(operator.outputs):
            if output in wanted:
                wanted.update(operator.operands)
                needed.append((operator, k, output))
    return needed[::-1]


def _constant(values: np.ndarray) -> np.ndarray:
    """With a batch of one in front."""
    return values if values.shape[:1] == (1,) else values[None]
