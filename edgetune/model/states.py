"""What a streaming model keeps from call to call: the last rows of tensors that it computes.

A state is read, joined with what is new along the axis of time, and the last rows are assigned
to it again.  Every such tensor is then a ``Span`` of rows of a stream: of all that some tensor
has been, call after call.
"""

from __future__ import annotations

from dataclasses import replace

from edgetune.dataclass import dataclass
from edgetune.errors import ModelError
from edgetune.model.graph import Graph, Operator
from edgetune.model.reasons import STATE, STATELESS
from edgetune.model.timewise import CROPS, rows_taken


@dataclass(frozen=True)
class Span:
    """Rows ``first`` to ``last`` of a tensor's stream along ``axis``; 0 is behind its newest."""

    tensor: int
    axis: int
    first: int
    last: int


def not_a_window(cause: str) -> ModelError:
    """The error for a state that is not the last rows of something."""
    return ModelError(
        "The model keeps state from one call to the next.",
        f"Its states are not simply what its layers saw last: {cause}", STATELESS,
    )


class States:
    """The states of ``graph`` and the spans that follow.

    ``spans``: by tensor.  ``joined``: operators that only keep states, or make spans of them.

    Raises:
        ModelError: a state is something else.
    """

    def __init__(self, graph: Graph):
        self.graph = graph
        self.spans: dict[int, Span] = {}
        self.joined = [op for op in graph.operators if op.kind in STATE]
        self.producers = {i: op for op in graph.operators for i in op.outputs}
        self._names = {
            op.outputs[0]: op.options.get("shared_name") or op.outputs[0]
            for op in graph.operators if op.kind == "VAR_HANDLE" and len(op.outputs) == 1
        }
        self._assigned = self._assignments()
        for op in graph.operators:
            self._follow(op)
        self._check()

    def _assignments(self) -> dict[int | bytes, int]:
        """What each state is given at the end of a call."""
        assigned: dict[int | bytes, int] = {}
        for op in self.graph.operators:
            if op.kind == "ASSIGN_VARIABLE":
                name = self._state(op, 2)
                if name in assigned:
                    raise not_a_window("one is assigned twice in a call.")
                assigned[name] = op.inputs[1]
            elif op.kind == "READ_VARIABLE" and self._state(op, 1) in assigned:
                raise not_a_window("one is read after it is assigned.")
        return assigned

    def _state(self, op: Operator, inputs: int) -> int | bytes:
        if len(op.inputs) != inputs or op.inputs[0] not in self._names or -1 in op.inputs:
            raise not_a_window(f"operator {op.index} {op.kind} names none.")
        return self._names[op.inputs[0]]

    def _follow(self, op: Operator) -> None:
        """The span of an operator's output, if it has one."""
        if op.kind == "READ_VARIABLE":
            self.spans[op.outputs[0]] = self._read(op)
        elif op.kind in CROPS and op.inputs[:1] and op.inputs[0] in self.spans:
            self._join(op, self._cropped(op))
        elif op.kind == "CONCATENATION" and self.spans.keys() & set(op.inputs):
            self._join(op, self._concatenated(op))

    def _join(self, op: Operator, span: Span | None) -> None:
        if span is not None:
            self.spans[op.outputs[0]] = span
            self.joined.append(op)

    def _read(self, op: Operator) -> Span:
        """What was assigned in the call before, one call older."""
        name = self._state(op, 1)
        if name not in self._assigned or len(op.outputs) != 1:
            raise not_a_window("one is never assigned.")
        axis = self._axis(op.outputs[0])
        newest = self._newest(self._assigned[name])
        kept, new = (self.graph.tensors[i].shape for i in (op.outputs[0], newest))
        if len(new) != len(kept) or not 0 < axis < len(kept) or min(*kept, *new) < 1:
            raise not_a_window(f"one of the shape {list(kept)} gets {list(new)}.")
        return Span(newest, axis, -kept[axis] - new[axis], -new[axis])

    def _axis(self, tensor: int) -> int:
        """Along which a state is joined with what is new."""
        for op in self.graph.operators:
            if tensor in op.inputs and op.kind == "CONCATENATION":
                return op.options["axis"] % max(1, len(self.graph.tensors[tensor].shape))
            if op.inputs[:1] == (tensor,) and op.kind in CROPS and len(op.outputs) == 1:
                return self._axis(op.outputs[0])
        raise not_a_window("one is not joined with what is new.")

    def _newest(self, tensor: int) -> int:
        """What an assigned value ends with, behind older rows of the state."""
        op = self.producers.get(tensor)
        while op is not None and op.inputs and (op.kind in CROPS or self._is_joint(op)):
            tensor = op.inputs[0 if op.kind in CROPS else -1]
            op = self.producers.get(tensor)
        return tensor

    def _is_joint(self, op: Operator) -> bool:
        """Whether it puts something behind a state."""
        before = self.producers.get(op.inputs[0]) if op.kind == "CONCATENATION" else None
        while before is not None and before.kind in CROPS and before.inputs:
            before = self.producers.get(before.inputs[0])
        return before is not None and before.kind == "READ_VARIABLE"

    def _whole(self, tensor: int, like: Span) -> Span:
        """The span of a tensor that may be a stream itself."""
        shape = self.graph.tensors[tensor].shape if tensor >= 0 else ()
        rows = shape[like.axis] if len(shape) > like.axis else 0
        return self.spans.get(tensor, Span(tensor, like.axis, -rows, 0))

    def _cropped(self, op: Operator) -> Span | None:
        """Of the axis of time alone, else None."""
        span = self.spans[op.inputs[0]]
        rows = rows_taken(self.graph, op, span.axis)
        if rows is None:
            return None
        count = self.graph.tensors[op.inputs[0]].shape[span.axis]
        return replace(span, first=span.first + rows.start, last=span.last - count + rows.stop)

    def _concatenated(self, op: Operator) -> Span | None:
        """Of spans that lie one behind another, else None."""
        like = next(self.spans[i] for i in op.inputs if i in self.spans)
        parts = [self._whole(i, like) for i in op.inputs]
        same = {(part.tensor, part.axis) for part in parts} == {(like.tensor, like.axis)}
        meet = all(a.last == b.first for a, b in zip(parts, parts[1:]))
        axis = op.options["axis"] % max(1, len(self.graph.tensors[op.outputs[0]].shape))
        plain = op.options["fused_activation_function"] == "NONE"
        if not (same and meet and axis == like.axis and plain):
            return None
        return replace(like, first=parts[0].first, last=parts[-1].last)

    def _check(self) -> None:
        """What is assigned is what is read in the next call."""
        for op in self.graph.operators:
            if op.kind == "READ_VARIABLE":
                span = self.spans[op.outputs[0]]
                if op.outputs[0] in self._behind(span.tensor):
                    raise not_a_window("one is made of itself, as recurrent layers do it.")
                new = self.graph.tensors[span.tensor].shape[span.axis]
                value = self._whole(self._assigned[self._state(op, 1)], span)
                if value != replace(span, first=span.first + new, last=span.last + new):
                    raise not_a_window("one gets other rows than its own and the newest.")

    def _behind(self, tensor: int) -> set[int]:
        """All that a tensor is computed from in its call."""
        found, left = {tensor}, [tensor]
        while left:
            op = self.producers.get(left.pop())
            new = set(op.inputs) - found if op is not None else set()
            found |= new
            left += new
        return found
