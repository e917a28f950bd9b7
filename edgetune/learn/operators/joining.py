"""What operators of two operands share: how they come to one shape.

ADD, SUB and MUL read a second operand that repeats as a whole where it is; whatever else is
broadcast is copied into the output's shape first.
"""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from edgetune.learn.operators.move import Move, straight
from edgetune.learn.program import Layer, Shape
from edgetune.learn.tensors import NO_CLIP, Tensors
from edgetune.model.graph import Operator

Place = tuple[str, int, int, int, int]  # name, operator, input, output, other


@dataclass(eq=False)
class PairLayer(Layer):
    """Reads ``input`` and activation ``other``, of one size where the class says no more."""

    other: int

    joining = True

    @property
    def inputs(self) -> tuple[int, ...]:
        return self.input, self.other


@dataclass(eq=False)
class JoiningLayer(PairLayer):
    """Activation ``other`` repeats where it is the smaller one."""

    multiplier: int
    shift: int
    output_zero_point: int
    activation_min: int
    activation_max: int

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
) -> tuple[Place, tuple[int, int, int, int, int]]:
    """The fields that sums and products share: the layer's place, and its requantisation."""
    low, high, clip = tensors.range(op)
    place = _repeating(tensors, op, order, clip)
    return place, (*quantize_multiplier(scale), tensors.zero_point(op.outputs[0]), low, high)


def _repeating(
    tensors: Tensors, op: Operator, order: tuple[int, int], clip: tuple[int, int]
) -> Place:
    """The second operand as it is where it is the output's last dimensions."""
    small, output = (
        _bare(tensors.graph.tensors[i].shape) for i in (op.inputs[order[1]], op.outputs[0])
    )
    if output[len(output) - len(small) :] != small:
        return pair(tensors, op, clip, order)
    x = _whole(tensors, op, order[0])
    name, index, _, y = tensors.place(op, clip, order[0])
    return name, index, x, y, tensors.index(op.inputs[order[1]])


def _bare(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without leading dimensions of one."""
    first = next((i for i, size in enumerate(shape) if size != 1), len(shape))
    return shape[first:]


def pair(
    tensors: Tensors, op: Operator, clip: tuple[int, int] = NO_CLIP, order: tuple[int, int] = (0, 1)
) -> Place:
    """The place of a `PairLayer`, both operands in the output's shape."""
    x, other = (_whole(tensors, op, i) for i in order)
    name, index, _, output = tensors.place(op, clip, order[0])
    return name, index, x, output, other


def _whole(tensors: Tensors, op: Operator, operand: int) -> int:
    """The activation of an operand in the output's shape: itself, or a copy."""
    given, output = (tensors.graph.tensors[i] for i in (op.inputs[operand], op.outputs[0]))
    source = tensors.index(op.inputs[operand])
    if given.size == output.size:
        return source
    places = np.arange(given.size).reshape(given.shape)
    taken = np.broadcast_to(places, output.shape).reshape(-1)
    values = tensors.activations[source].constant
    copy = tensors.between(tensors.activations[source], output.shape)
    if values is not None:
        shape = tensors.activations[copy].shape
        tensors.activations[copy].constant = values.reshape(-1)[taken].reshape(shape)
        return copy
    line = straight(taken)
    assert line, "broadcasting follows straight lines"
    name = f"{op.kind.lower()}_{op.index}_{operand}"
    tensors.layers.append(Move(name, op.index, source, copy, *line))
    return copy


def shortest_period(values: np.ndarray) -> np.ndarray:
    """Of what repeats along its first dimensions one repetition, flat."""
    while values.ndim and (values == values[:1]).all():
        values = values[0]
    return np.ascontiguousarray(values).reshape(-1)
