"""What ADD, SUB and MUL share: a second operand that repeats, and one requantisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgetune.learn.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from edgetune.learn.program import Layer, Shape
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator


@dataclass(eq=False)
class JoiningLayer(Layer):
    """Activation ``other`` repeats where it is the smaller one."""

    other: int
    multiplier: int
    shift: int
    output_zero_point: int
    activation_min: int
    activation_max: int

    joining = True

    @property
    def inputs(self) -> tuple[int, ...]:
        return self.input, self.other

    def finish(self, acc: np.ndarray, out_shape: Shape) -> np.ndarray:
        """int8 values of the sums or products ``acc``."""
        y = multiply_by_quantized_multiplier(acc, self.multiplier, self.shift)
        y = np.clip(y + self.output_zero_point, self.activation_min, self.activation_max)
        return y.reshape(out_shape)


def gathered(v: np.ndarray, operand: int, x: np.ndarray) -> np.ndarray:
    """``v``, of the shape of the first operand, in the shape of operand ``x``: of the second
    one the sum over its repetitions."""
    if operand == 0:
        return v.reshape(x.shape)
    return v.reshape(-1, x.size).sum(axis=0).reshape(x.shape)


def repeated(other: np.ndarray, x: np.ndarray) -> np.ndarray:
    """``other`` over and over, in the shape of ``x``."""
    return np.resize(other, x.size).reshape(x.shape)


def large_first(tensors: Tensors, op: Operator) -> tuple[int, int]:
    """Places of the operands, the one that repeats last."""
    sizes = [tensors.graph.tensors[i].size for i in op.inputs]
    return (0, 1) if sizes[0] >= sizes[1] else (1, 0)


def place_and_tail(
    tensors: Tensors, op: Operator, order: tuple[int, int], scale: float
) -> tuple[tuple[str, int, int, int, int], tuple[int, int, int, int, int]]:
    """The fields that sums and products share: the layer's place, and its requantisation."""
    low, high, clip = tensors.range(op)
    other = tensors.index(op.inputs[order[1]])
    place = (*tensors.place(op, clip, order[0]), other)
    return place, (*quantize_multiplier(scale), tensors.zero_point(op.outputs[0]), low, high)
