"""LSTM, GRU and RNN over a fixed number of steps, written out step by step.

What they make of their input is one dense layer over all steps; what they make of their state is a
dense layer for each step, as Keras's unrolled layers have it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.importers.onnx.builder import Builder, result
from edgetune.importers.onnx.elementwise import combined
from edgetune.importers.onnx.joins import cropped
from edgetune.importers.onnx.layers import on_every_vector
from edgetune.importers.onnx.node import Node
from edgetune.importers.onnx.values import Unsupported, Value, constant
from edgetune.model.reasons import FEED_FORWARD, Reason

MAX_JOINED = 64  # operands of a CONCATENATION
MAX_STEPS = 128
PLAIN = {  # by kind: the functions that it has where the file names none, of one direction
    "LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"],
}  # fmt: skip
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
FUNCTIONS = {"Tanh": "TANH", "Relu": "RELU"}


@dataclass
class Cell:
    """A layer in one direction.

    ``whole`` are its gates' values of the input, [1, t, gates * units]; ``matrix`` holds the
    weights of the state, [gates * units, units], and ``bias`` what is added there; ``activation``
    is that of an RNN.
    """

    builder: Builder
    node: Node
    whole: Value
    matrix: np.ndarray
    bias: np.ndarray
    activation: str

    def __post_init__(self):
        self.units = self.matrix.shape[1]
        self.shared: dict[int, tuple[int, int]] = {}  # weights and biases, by their first row

    def of_input(self, step: int) -> Value:
        """[1, gates * units]"""
        ranges = [range(1), range(step, step + 1), range(self.whole.shape[2])]
        y = cropped(self.builder, self.whole, ranges)
        return y.view(y.places[:, 0])

    def of_state(self, state: Value, first: int = 0, last: int | None = None) -> Value:
        """The dense layer of the gates from ``first`` to ``last``, [1, n]."""
        rows = slice(first * self.units, None if last is None else last * self.units)
        if first not in self.shared:
            weights = self.builder.real("state_weights", self.matrix[rows])
            self.shared[first] = weights, self.builder.real("state_bias", self.bias[rows])
        inputs = (state.tensor, *self.shared[first])
        shape = (1, len(self.matrix[rows]))
        y = self.builder.emit("FULLY_CONNECTED", inputs, shape, keep_num_dims=False)
        return result(y, shape, (0, 1))

    def gates(self, value: Value, first: int, last: int) -> Value:
        """Those of ``value``, [1, n]."""
        ranges = [range(1), range(first * self.units, last * self.units)]
        return cropped(self.builder, value, ranges)

    def both(self, kind: str, first: Value, second: Value) -> Value:
        return combined(self.builder, kind, first, second)

    def function(self, kind: str, value: Value) -> Value:
        return self.builder.unary(kind, value)


State = tuple[Value, Value | None]  # what is given, and what else an LSTM keeps


def recurrent(builder: Builder, node: Node) -> list[Value]:
    """Every step's output [t, directions, 1, units], and the last states [directions, 1, units]."""
    _check(node)
    x = node.activation()
    if len(x.shape) != 3 or x.shape[1] != 1 or x.shape[0] > MAX_STEPS:
        raise _refused(f"a recurrent layer over {list(x.shape)}")
    x = x.view(x.places.transpose(1, 0, 2))
    runs = [_run(builder, node, x, place) for place in range(_directions(node))]
    outputs = [run[step][0] for step in range(x.shape[1]) for run in runs]
    lasts = [run[0 if _is_reverse(node, place) else -1] for place, run in enumerate(runs)]
    whole = _joined(builder, outputs)
    states = [_joined(builder, list(each)) for each in zip(*lasts) if None not in each]
    every = whole.view(whole.places.reshape(x.shape[1], len(runs), 1, -1))
    return [every, *(s.view(s.places.reshape(len(runs), 1, -1)) for s in states)]


def _refused(text: str) -> Unsupported:
    return Unsupported(Reason(text, FEED_FORWARD))


def _directions(node: Node) -> int:
    return 2 if node.attributes.get("direction") == "bidirectional" else 1


def _is_reverse(node: Node, place: int) -> bool:
    return place == 1 or node.attributes.get("direction") == "reverse"


def _check(node: Node) -> None:
    """What is not written out."""
    functions = PLAIN[node.kind] * _directions(node)
    found = node.attributes.get("activations", functions)
    if found != functions and not (node.kind == "RNN" and {*found} <= {*FUNCTIONS}):
        raise _refused(f"a recurrent layer with the functions {', '.join(found)}")
    if any(node.attributes.get(name, 0) for name in ("clip", "input_forget", "layout")):
        raise _refused("a recurrent layer that clips, couples its gates or has the batch first")
    if node.operand(4) is not None:
        raise _refused("a recurrent layer over a number of steps that is given")
    if node.operand(7) is not None and node.weights(7, "the peepholes").any():
        raise _refused("a recurrent layer with peepholes")
    for place in (5, 6):
        if node.operand(place) is not None and node.weights(place, "the first state").any():
            raise _refused("a recurrent layer whose first state is not zero")


def _run(builder: Builder, node: Node, x: Value, place: int) -> list[State]:
    """The states behind every step, in the order of the input's steps."""
    cell = _cell(builder, node, x, place)
    steps = range(x.shape[1])
    state: State | None = None
    states = {}
    for step in reversed(steps) if _is_reverse(node, place) else steps:
        state = STEPS[node.kind](cell, cell.of_input(step), state)
        states[step] = state
    return [states[step] for step in steps]


def _cell(builder: Builder, node: Node, x: Value, place: int) -> Cell:
    matrix, state = (node.weights(i, "the weights")[place] for i in (1, 2))
    rows, units = state.shape
    if rows != GATES[node.kind] * units or matrix.shape != (rows, x.shape[2]):
        raise _refused(f"weights {list(matrix.shape)} and {list(state.shape)}")
    bias = np.zeros((2, rows), np.float32)
    if node.operand(3) is not None:
        bias = node.weights(3, "the biases")[place].reshape(2, rows)
    of_state = np.zeros(rows, np.float32)
    if node.kind == "GRU" and node.attributes.get("linear_before_reset", 0):
        of_state[2 * units :] = bias[1, 2 * units :]  # which the reset gate weighs too
    whole = on_every_vector(
        builder, x, matrix, builder.real("input_bias", bias.sum(axis=0) - of_state)
    )
    functions = node.attributes.get("activations", PLAIN[node.kind] * 2)
    return Cell(builder, node, whole, state, of_state, functions[place])


# ---- one step


def _lstm(cell: Cell, z: Value, state: State | None) -> State:
    """Gates in the order input, output, forget, cell."""
    if state is not None:
        z = cell.both("ADD", z, cell.of_state(state[0]))
    sigmoids = cell.function("LOGISTIC", cell.gates(z, 0, 3))
    new = cell.function("TANH", cell.gates(z, 3, 4))
    kept = cell.both("MUL", cell.gates(sigmoids, 0, 1), new)
    if state is not None:
        assert state[1] is not None
        kept = cell.both("ADD", cell.both("MUL", cell.gates(sigmoids, 2, 3), state[1]), kept)
    given = cell.both("MUL", cell.gates(sigmoids, 1, 2), cell.function("TANH", kept))
    return given, kept


def _gru(cell: Cell, z: Value, state: State | None) -> State:
    """Gates in the order update, reset, new; new + update * (state - new)."""
    old = None if state is None else state[0]
    linear = bool(cell.node.attributes.get("linear_before_reset", 0))
    gates, new = cell.gates(z, 0, 2), cell.gates(z, 2, 3)
    if old is not None and linear:
        whole = cell.of_state(old)
        gates = cell.both("ADD", gates, cell.gates(whole, 0, 2))
    elif old is not None:
        gates = cell.both("ADD", gates, cell.of_state(old, 0, 2))
    sigmoids = cell.function("LOGISTIC", gates)
    update, reset = cell.gates(sigmoids, 0, 1), cell.gates(sigmoids, 1, 2)
    if old is not None and linear:
        new = cell.both("ADD", new, cell.both("MUL", reset, cell.gates(whole, 2, 3)))
    elif old is not None:
        new = cell.both("ADD", new, cell.of_state(cell.both("MUL", reset, old), 2, 3))
    elif linear and cell.bias.any():
        new = cell.both("ADD", new, cell.both("MUL", reset, _row(cell.bias[-cell.units :])))
    new = cell.function("TANH", new)
    if old is None:
        return cell.both("SUB", new, cell.both("MUL", update, new)), None
    return cell.both("ADD", new, cell.both("MUL", update, cell.both("SUB", old, new))), None


def _row(values: np.ndarray) -> Value:
    return constant(values.reshape(1, -1))


def _rnn(cell: Cell, z: Value, state: State | None) -> State:
    if state is not None:
        z = cell.both("ADD", z, cell.of_state(state[0]))
    return cell.function(FUNCTIONS[cell.activation], z), None


STEPS: dict[str, Callable[[Cell, Value, State | None], State]] = {
    "LSTM": _lstm, "GRU": _gru, "RNN": _rnn,
}  # fmt: skip


def _joined(builder: Builder, values: list[Value]) -> Value:
    """[1, n * units] of n values [1, units]; those that are read alone are not joined."""
    while len(values) > 1:
        groups = [values[i : i + MAX_JOINED] for i in range(0, len(values), MAX_JOINED)]
        values = [_join(builder, group) for group in groups]
    return values[0]


def _join(builder: Builder, values: list[Value]) -> Value:
    if len(values) == 1:
        return values[0]
    shape = (1, sum(value.shape[1] for value in values))
    order = builder.order_of(*values)
    tensors = [builder.arranged(value, order) for value in values]
    y = builder.emit("CONCATENATION", tensors, shape, axis=1)
    builder.pieces[y] = tensors
    return result(y, shape, (0, 1))
