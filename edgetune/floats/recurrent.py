"""UNIDIRECTIONAL_SEQUENCE_LSTM, written out step by step with operators of the float Graph.

    gates  = FULLY_CONNECTED x           all steps at once, [1, steps, 4 * units]
    z      = its part for the step + FULLY_CONNECTED h
    i f o  = LOGISTIC z                  g = TANH z
    c      = f * c + i * g               clipped, where it can come so far
    h      = o * TANH c                  the step's output

States are zero before the first step of every sample; the file's variables are not kept.  The
layer over the input is one, with its biases; the one over ``h`` stands once for each step but the
first, all with the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from edgetune.model.graph import Graph, Operator
from edgetune.model.kinds import FUSED_OPTION, LSTM
from edgetune.model.reasons import FIXED, STATELESS, Reason
from edgetune.model.rewrite import Rewriter

INPUTS = (20, 24)  # without and with coefficients of a normalisation
INPUT_WEIGHTS, RECURRENT, BIASES = 1, 5, 12  # places of the input, forget, cell, output gates'
ORDER = (0, 1, 3, 2)  # of the gates as they are written: those of LOGISTIC side by side
SQUASHED = 3  # gates of LOGISTIC
STATES = (18, 19)  # output, cell
EXTRAS = {"peepholes": (9, 12), "a projection": (16, 18), "layer normalisation": (20, 24)}
MAX_STEPS = 128  # each takes up to 17 of the operators that a model may have


def unroll(rewriter: Rewriter) -> None:
    """Writes every LSTM out for which ``not_unrolled`` has no reason."""
    for op in [op for op in rewriter.operators if op.kind == LSTM]:
        if not_unrolled(rewriter, op) is None:
            _Writer(rewriter, op).write()
            rewriter.remove(op)


def not_unrolled(graph: Graph | Rewriter, op: Operator) -> str | None:
    """Why an LSTM is not written out; None if it is."""
    if len(op.inputs) not in INPUTS or len(op.outputs) != 1 or min(op.inputs[0], *_states(op)) < 0:
        return f"{len(op.inputs)} inputs and {len(op.outputs)} outputs, or one absent"
    for name, (first, end) in EXTRAS.items():
        if any(i >= 0 for i in op.inputs[first:end]):
            return f"an LSTM with {name}"
    if min(_constants(op)) < 0:
        return "an LSTM whose input and forget gate are one"
    if (function := op.options[FUSED_OPTION]) != "TANH":
        return f"an LSTM with the activation {function} instead of TANH"
    if not all(graph.tensors[i].variable for i in _states(op)):
        return "an LSTM whose states come from elsewhere"
    return _other_values(graph, op) or _other_shape(graph, op)


def _states(op: Operator) -> tuple[int, ...]:
    return op.inputs[STATES[0] : STATES[1] + 1]


def _constants(op: Operator) -> tuple[int, ...]:
    """Weights and biases."""
    return op.inputs[INPUT_WEIGHTS : RECURRENT + 4] + op.inputs[BIASES : BIASES + 4]


def _other_values(graph: Graph | Rewriter, op: Operator) -> str | None:
    for tensor in (graph.tensors[i] for i in _constants(op)):
        if tensor.data is None or tensor.dtype != "float32":
            return f"an LSTM with {tensor.dtype} weights or biases, or computed ones"
    return None


def _other_shape(graph: Graph | Rewriter, op: Operator) -> str | None:
    """Sizes that contradict each other, a batch, or steps that cannot be written out."""
    x, y = (graph.tensors[i].shape for i in (op.inputs[0], op.outputs[0]))
    if len(x) != 3 or min(x) < 1 or x[0 if not op.options["time_major"] else 1] != 1:
        return Reason(f"an LSTM over {list(x)}, not over the steps of one sample", FIXED)
    units = graph.tensors[op.inputs[BIASES]].size
    shapes = [graph.tensors[i].shape for i in _constants(op)]
    steps = x[0] * x[1]
    wanted = [(units, x[2])] * 4 + [(units, units)] * 4 + [(units,)] * 4
    if not units or shapes != wanted or y != (*x[:2], units):
        return f"an LSTM of {units} units whose sizes do not fit each other"
    if steps == 1:
        return Reason(
            "an LSTM over one step, whose state goes from one call to the next", STATELESS
        )
    if steps > MAX_STEPS:
        return f"an LSTM over {steps} steps; up to {MAX_STEPS} are written out"
    return None


class _Writer:
    """The operators of one LSTM, before it."""

    def __init__(self, rewriter: Rewriter, op: Operator):
        self.rewriter, self.op = rewriter, op
        self.name = rewriter.tensors[op.outputs[0]].name
        self.units = rewriter.tensors[op.inputs[BIASES]].size
        shape = rewriter.shape(op.inputs[0])
        self.steps, self.depth = shape[0] * shape[1], shape[2]
        self.recurrent = self._gates("recurrent_weights", RECURRENT)
        self.bounds: dict[tuple[int, ...], int] = {}

    def write(self) -> None:
        outputs: list[int] = []
        h = c = None
        for step, part in enumerate(self._by_step(self._over_input())):
            h, c = self._step(step, part, h, c)
            outputs.append(h)
        whole = self._add("CONCATENATION", outputs, "outputs", self.steps * self.units, axis=1)
        self.rewriter.insert(self.op, "RESHAPE", (whole,), self.op.outputs)

    def _over_input(self) -> int:
        """What all steps' gates take from the input, with the biases, in one row."""
        r, x = self.rewriter, self.op.inputs[0]
        shape = (1, self.steps, self.depth)
        if r.shape(x) != shape:
            x = self._new("RESHAPE", (x,), "input", shape)
        constants = self._gates("input_weights", INPUT_WEIGHTS), self._gates("biases", BIASES)
        gates = self._new("FULLY_CONNECTED", (x, *constants), "gates",
                          (1, self.steps, 4 * self.units), keep_num_dims=True, weights_format=0)
        return self._add("RESHAPE", (gates,), "gates/row", self.steps * 4 * self.units)

    def _by_step(self, row: int) -> Iterator[int]:
        """The row's parts, cut in two goes: errors pass a cut over the whole of what it cuts."""
        together, size = math.isqrt(self.steps), 4 * self.units
        for first in range(0, self.steps, together):
            count = min(together, self.steps - first)
            several = self._part(row, first * size, count * size, f"{first}/inputs")
            for step in range(count):
                yield self._part(several, step * size, size, f"{first + step}/input")

    def _gates(self, role: str, place: int) -> int:
        """Constants of the four gates, one under another."""
        parts = [self.rewriter.data(self.op.inputs[place + gate]) for gate in ORDER]
        return self.rewriter.constant(f"{self.name}/{role}", np.concatenate(parts))

    def _step(self, step: int, z: int, h: int | None, c: int | None) -> tuple[int, int]:
        """Output and cell after a step, from those before it and what the input gives."""
        n, at = self.units, f"{step}/"
        if h is not None:
            fed_back = self._add("FULLY_CONNECTED", (h, self.recurrent, -1), f"{at}recurrent",
                                 4 * n, keep_num_dims=False, weights_format=0)
            z = self._add("ADD", (z, fed_back), f"{at}gates", 4 * n)
        open_ = self._part(z, 0, SQUASHED * n, f"{at}gates/open")
        open_ = self._add("LOGISTIC", (open_,), f"{at}open", SQUASHED * n)
        new = self._part(z, SQUASHED * n, n, f"{at}gates/new")
        new = self._add("TANH", (new,), f"{at}new", n)
        admitted = self._part(open_, 0, n, f"{at}open/input")
        new = self._add("MUL", (admitted, new), f"{at}admitted", n)
        c = new if c is None else self._kept(open_, c, new, at)
        c = self._clipped(c, step, at)
        shown = self._part(open_, 2 * n, n, f"{at}open/output")
        return self._add("MUL", (shown, self._add("TANH", (c,), f"{at}shown", n)),
                         f"{at}output", n), c

    def _kept(self, open_: int, c: int, new: int, at: str) -> int:
        kept = self._part(open_, self.units, self.units, f"{at}open/forget")
        kept = self._add("MUL", (kept, c), f"{at}kept", self.units)
        return self._add("ADD", (kept, new), f"{at}cell", self.units)

    def _clipped(self, c: int, step: int, at: str) -> int:
        """Each step adds less than one to a cell, so that the first do not reach the bound."""
        bound = np.float32(self.op.options["cell_clip"])
        if not 0 < bound < step + 1:
            return c
        for kind, limit in (("MINIMUM", bound), ("MAXIMUM", -bound)):
            constant = self.rewriter.constant(f"{self.name}/{kind.lower()}", np.array([limit]))
            c = self._add(kind, (c, constant), f"{at}{kind.lower()}", self.units)
        return c

    def _part(self, x: int, begin: int, size: int, role: str) -> int:
        corners = [self._bounds(pair) for pair in ((0, begin), (1, size))]
        return self._add("SLICE", (x, *corners), role, size)

    def _bounds(self, pair: tuple[int, int]) -> int:
        if pair not in self.bounds:
            values = np.array(pair, np.int32)
            self.bounds[pair] = self.rewriter.constant(f"{self.name}/bounds", values)
        return self.bounds[pair]

    def _add(self, kind: str, inputs, role: str, size: int, **options) -> int:
        """A new operator whose output is one row."""
        return self._new(kind, inputs, role, (1, size), **options)

    def _new(self, kind: str, inputs, role: str, shape: tuple[int, ...], **options) -> int:
        y = self.rewriter.activation(f"{self.name}/{role}", shape)
        self.rewriter.insert(self.op, kind, inputs, (y,), {FUSED_OPTION: "NONE"} | options)
        return y
