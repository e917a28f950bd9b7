"""A streaming model as the network over all that its states hold.

Once every state is full of what was really seen, the last output of a streaming model is that of
an ordinary network without padding in time over a longer input: over its window.  Operators,
weights and scales are the same; tensors have more rows.  The file stays as it is, so a tuned one
streams.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.errors import ModelError
from edgetune.model.faults import MAX_WINDOW
from edgetune.model.graph import Graph, Operator, Tensor
from edgetune.model.reasons import STATE
from edgetune.model.size import too_large
from edgetune.model.states import Span, States, not_a_window
from edgetune.model.timewise import CROPS, rows_taken, through


@dataclass(frozen=True)
class Need:
    """Rows of a tensor along ``axis`` that are needed; ``new``: how many a call adds."""

    axis: int
    rows: int
    new: int


def as_window(graph: Graph) -> Graph:
    """``graph`` over its window, whose ``frames`` say how long it is; one without such states as
    it is.

    Args:
        graph: as decoded and in order; it is not changed.

    Raises:
        ModelError: the states are not the last rows of tensors, or the model does not do the same
            at every moment; or the window is too long.
    """
    if not any(op.kind in STATE for op in graph.operators):
        return graph
    return _Window(graph).graph()


def frames_said(frames: tuple[int, int]) -> str:
    """The sentence about a window."""
    rows, new = frames
    return (
        f"A streaming model: shown, run and trained as the network over its whole window, {rows} "
        f"frames, of which a call of the file takes {new}. A tuned file streams as this one does."
    )


class _Window:
    def __init__(self, graph: Graph):
        self.source, self.states = graph, States(graph)
        joined = {op.index for op in self.states.joined}
        self.operators = [op for op in graph.operators if op.index not in joined]
        self.live = _live(graph)
        if self.states.spans.keys() & {*graph.outputs, *graph.inputs}:
            raise not_a_window("its output is one.")
        self.needs: dict[int, Need] = {}
        for op in reversed(self.operators):
            self._demand(op)
        self.tensors = [replace(tensor) for tensor in graph.tensors]
        self.crops: dict[tuple, Operator] = {}

    # ---- from the outputs to the input: how many rows of each tensor are needed

    def _demand(self, op: Operator) -> None:
        need = self._needed(op)
        for operand in self._activations(op):
            span, stride = self.states.spans.get(operand), self._stride(op, operand, need)
            older = self._older(op, need) * stride
            if span is not None:
                self._check_order(op, span)
                rows = older - span.first
                self._require(span.tensor, Need(span.axis, rows, self._new(span)), op)
            elif older and need is not None:
                axis = self._axis(op, operand, need)
                rows = _rows(self.source, operand, axis) + older - self._skipped(op, axis)
                self._require(operand, Need(axis, rows, need.new * stride), op)

    def _check_order(self, op: Operator, span: Span) -> None:
        maker = self.states.producers.get(span.tensor)
        if maker is not None and maker.index >= op.index:
            raise not_a_window(
                f"operator {op.index} {op.kind} reads what operator {maker.index} {maker.kind} "
                "makes behind it, as recurrent layers do."
            )

    def _needed(self, op: Operator) -> Need | None:
        """The most that any of an operator's outputs needs."""
        needs = [self.needs[i] for i in op.outputs if i in self.needs]
        if len({(need.axis, need.new) for need in needs}) > 1:
            raise _uneven(op)
        return max(needs, key=lambda need: need.rows, default=None)

    def _older(self, op: Operator, need: Need | None) -> int:
        """How many rows before those of the file its outputs need."""
        return 0 if need is None else need.rows - _rows(self.source, op.outputs[0], need.axis)

    def _stride(self, op: Operator, operand: int, need: Need | None) -> int:
        """Along the axis of time, where older rows are needed; the operator treats all alike."""
        if need is None or not self._older(op, need):
            return 1
        found = through(self.source, op, operand, need.axis)
        span = self.states.spans.get(operand)
        if found is None or found[1] < 1 or span is not None and (
            (span.axis, self._new(span)) != (found[0], need.new * found[1])
        ):
            raise _uneven(op)
        return found[1]

    def _axis(self, op: Operator, operand: int, need: Need) -> int:
        found = through(self.source, op, operand, need.axis)
        assert found is not None  # as _stride has seen
        return found[0]

    def _skipped(self, op: Operator, axis: int) -> int:
        """Rows before those that a crop takes."""
        rows = rows_taken(self.source, op, axis) if op.kind in CROPS else None
        return rows.start if rows else 0

    def _new(self, span: Span) -> int:
        return _rows(self.source, span.tensor, span.axis)

    def _require(self, tensor: int, need: Need, op: Operator) -> None:
        have = self.needs.get(tensor)
        if have is not None and (have.axis, have.new) != (need.axis, need.new):
            raise _uneven(op)
        if need.rows > MAX_WINDOW:
            raise too_large(f"Its window is {need.rows} rows of {op.kind} long.")
        rows = max(need.rows, _rows(self.source, tensor, need.axis), have.rows if have else 0)
        self.needs[tensor] = replace(need, rows=rows)

    def _activations(self, op: Operator) -> list[int]:
        """What an operator reads of the input, or of states."""
        return [i for i in dict.fromkeys(op.inputs) if i in self.live]

    # ---- the network with as many rows

    def graph(self) -> Graph:
        frames = self._frames()
        operators = [new for op in self.operators for new in self._lengthened(op)]
        return replace(
            self.source, tensors=self.tensors, operators=operators, frames=frames,
            cut=[*self.source.cut, *self.states.joined],
        )

    def _frames(self) -> tuple[int, int]:
        """Those of the window and those of a call."""
        if len(self.source.inputs) != 1:
            raise not_a_window("it has several inputs.")
        need, (shape,) = self.needs.get(self.source.inputs[0]), (
            self.source.tensors[i].shape for i in self.source.inputs
        )
        if need is None or need.new != shape[need.axis] or math.prod(shape[: need.axis]) != 1:
            raise not_a_window("they do not move on by as many rows as the input has.")
        self._lengthen(self.source.inputs[0], need.axis, need.rows)
        return need.rows, need.new

    def _lengthened(self, op: Operator) -> list[Operator]:
        """An operator over more rows, behind what takes the rows that it reads."""
        need = self._needed(op)
        older = self._older(op, need)
        if older and need is not None and op.kind in CROPS:
            return [self._longer_crop(op, need.axis, older)]
        crops, instead = [], {}
        for operand in self._activations(op):
            place = self._place(op, operand, need, older)
            if place is not None and self._extent(place) != (place.first, place.last):
                instead[operand], new = self._crop(place)
                crops += new
            elif place is not None:
                instead[operand] = place.tensor
        inputs = tuple(instead.get(i, i) for i in op.inputs)
        if older and need is not None:
            inputs = inputs[:1] if op.kind == "RESHAPE" else inputs
            for output in op.outputs:
                rows = _rows(self.source, output, need.axis) + older
                self._lengthen(output, need.axis, rows)
        return [*crops, replace(op, inputs=inputs)]

    def _longer_crop(self, op: Operator, axis: int, older: int) -> Operator:
        """A crop along the axis of time, of as many rows more."""
        operand, rows = op.inputs[0], rows_taken(self.source, op, axis)
        assert rows is not None  # as _stride has seen
        count = _rows(self.source, operand, axis)
        first, last = rows.start - count - older, rows.stop - count
        self._lengthen(op.outputs[0], axis, last - first)
        bounds = self._bounds(Span(operand, axis, first, last))
        return replace(op, kind="SLICE", inputs=(operand, *bounds), options={})

    def _place(self, op: Operator, operand: int, need: Need | None, older: int) -> Span | None:
        """Which rows of which stream an operator reads; None where it has nothing of streams."""
        span, stride = self.states.spans.get(operand), self._stride(op, operand, need)
        if span is None and operand in self.needs:
            axis = self.needs[operand].axis
            span = Span(operand, axis, -_rows(self.source, operand, axis), 0)
        return None if span is None else replace(span, first=span.first - older * stride)

    def _extent(self, place: Span) -> tuple[int, int]:
        return -self.tensors[place.tensor].shape[place.axis], 0

    def _crop(self, place: Span) -> tuple[int, list[Operator]]:
        """The tensor of such rows, and the operator that takes them, if it is new."""
        key = place.tensor, place.first, place.last
        if key in self.crops:
            return self.crops[key].outputs[0], []
        shape = list(self.tensors[place.tensor].shape)
        shape[place.axis] = place.last - place.first
        bounds = self._bounds(place)
        result = self._made(replace(
            self.tensors[place.tensor], shape=tuple(shape), data=None,
        ))
        number = 1 + max(op.index for op in self.source.operators) + len(self.crops)
        op = Operator(number, "SLICE", (place.tensor, *bounds), (result,))
        self.crops[key] = op
        return result, [op]

    def _bounds(self, place: Span) -> list[int]:
        """Constants for a SLICE: begins and sizes."""
        source = self.tensors[place.tensor]
        begins, sizes = np.zeros(len(source.shape), np.int32), np.array(source.shape, np.int32)
        begins[place.axis] = source.shape[place.axis] + place.first
        sizes[place.axis] = place.last - place.first
        return [self._constant(source, values) for values in (begins, sizes)]

    def _constant(self, source: Tensor, values: np.ndarray) -> int:
        return self._made(Tensor(-1, f"{source.name}/rows", values.shape, "int32", data=values))

    def _made(self, tensor: Tensor) -> int:
        index = len(self.tensors)
        self.tensors.append(replace(tensor, index=index, folded=True, made=True))
        return index

    def _lengthen(self, tensor: int, axis: int, rows: int) -> None:
        shape = list(self.source.tensors[tensor].shape)
        shape[axis] = rows
        self.tensors[tensor].shape = tuple(shape)


def _live(graph: Graph) -> set[int]:
    """All that depends on the input or on states."""
    live = set(graph.inputs)
    for op in graph.operators:
        if op.kind == "READ_VARIABLE" or op.kind != "SHAPE" and not live.isdisjoint(op.inputs):
            live.update(op.outputs)
    return live


def _rows(graph: Graph, tensor: int, axis: int) -> int:
    shape = graph.tensors[tensor].shape
    return shape[axis] if axis < len(shape) else 0


def _uneven(op: Operator) -> ModelError:
    return not_a_window(
        f"operator {op.index} {op.kind} does not do the same with every row of the time."
    )
