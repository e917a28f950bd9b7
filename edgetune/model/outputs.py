"""The one output of several that a model is trained for: named, and the rest cut away."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from edgetune.dataclass import dataclass
from edgetune.errors import ModelError, UsageError
from edgetune.model.decode import quoted
from edgetune.model.decoding import source_of
from edgetune.model.ends import default_loss, learnt
from edgetune.model.graph import Graph, OtherOutput
from edgetune.model.size import too_large

MAX_OUTPUTS = 64
Choice = str | int | None  # an output's name or its number from 0; None: the only one


@dataclass(frozen=True)
class End:
    """An output as it can be chosen.

    ``names``: all that it goes by.  ``shape``: with the batch; () where it is not known.
    ``kind``: of the operator that computes its values; "" where it is not known.  ``source``: the
    shape of the model's input, None of several.
    """

    names: tuple[str, ...]
    shape: tuple[int, ...] = ()
    kind: str = ""
    source: tuple[int, ...] | None = None

    @property
    def name(self) -> str:
        """The first that there is, of names that TensorFlow joins the first."""
        return next(filter(None, self.names), "").split(";")[0]

    @property
    def called(self) -> tuple[str, ...]:
        return (*self.names, *(name.split(";")[0] for name in self.names))

    @property
    def learns(self) -> str:
        """What it would learn without --loss: "10 classes, softmax loss"; "" if not known."""
        if min(self.shape, default=0) < 1:
            return ""
        size = math.prod(self.shape)
        loss = default_loss(self.kind, self.shape, self.source, size // self.shape[-1])
        return learnt(loss, size)


class SeveralOutputs(ModelError):
    """That one output has to be chosen; ``ends`` are those that there are."""

    def __init__(self, ends: list[End]):
        super().__init__(
            f"The model has {len(ends)} outputs, and a device learns one.",
            "\n".join(_line(number, end) for number, end in enumerate(ends)),
            "Choose one by its name or number: --output NAME; all others are left out of what "
            "runs. edgetune inspect MODEL says what each would learn.",
        )
        self.ends = ends

    def as_dict(self) -> dict:
        return super().as_dict() | {"error": ModelError.__name__}


def pick(ends: list[End], wanted: Choice) -> int:
    """The number of the output that is ``wanted``.

    Raises:
        SeveralOutputs: there is more than one, and none is named.
        UsageError: there is none of that name or number, or more than one.
    """
    if wanted is None:
        if len(ends) > 1:
            raise SeveralOutputs(ends)
        return 0
    name = str(wanted)
    found = [number for number, end in enumerate(ends) if name and name in end.called]
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} outputs are called {quoted(name)}.", _listed(ends),
            "Give the number of the one that is meant, with --output.",
        )
    if not found and name.isdecimal() and int(name) < len(ends):
        return int(name)
    if not found:
        raise UsageError(
            f"The model has no output {quoted(name)}.", _listed(ends),
            "Name one of these, or its number from 0, with --output.",
        )
    return found[0]


def choose_output(graph: Graph, wanted: Choice = None) -> Graph:
    """``graph`` with one output, without the operators that only the others need.

    Those are its ``cut``; the others its ``other_outputs``.  A graph of one output stays as it is.
    Where none is wanted and all outputs hold the same values, one in another shape or type than
    the other, it is the first.

    Args:
        graph: as decoded and in order; it is not changed.

    Raises:
        ModelError, UsageError: see ``pick``.
    """
    if len(graph.outputs) > MAX_OUTPUTS:
        raise too_large(f"It has {len(graph.outputs)} outputs; edgetune takes up to {MAX_OUTPUTS}.")
    sources = [source_of(graph, index) for index in graph.outputs]
    if wanted is None and len(set(sources)) == 1:
        wanted = 0
    ends = [_end(graph, *pair) for pair in zip(graph.outputs, sources)]
    number = pick(ends, wanted)
    if len(ends) == 1:
        return graph
    needed = [_needed(graph, index) for index in graph.outputs]
    others = tuple(
        OtherOutput(end.name, index, needs)
        for i, (end, index, needs) in enumerate(zip(ends, graph.outputs, needed)) if i != number
    )
    mine = needed[number]
    return replace(
        graph, outputs=(graph.outputs[number],), output_number=number, other_outputs=others,
        operators=[op for op in graph.operators if op.index in mine],
        cut=[*graph.cut, *(op for op in graph.operators if op.index not in mine)],
    )


def changing(graph: Graph, trained: Iterable[int]) -> tuple[list[str], list[str]]:
    """Names of the file's other outputs: those that change where operators ``trained`` do, and
    those that stay."""
    trained = set(trained)
    touched = [not trained.isdisjoint(other.needs) for other in graph.other_outputs]
    pairs = list(zip(graph.other_outputs, touched))
    return [o.name for o, hit in pairs if hit], [o.name for o, hit in pairs if not hit]


def _end(graph: Graph, output: int, source: int) -> End:
    producer = next((op for op in graph.operators if source in op.outputs), None)
    names = (graph.output_names.get(output, ""), graph.tensors[output].name)
    kind = "" if producer is None else producer.kind
    inputs = [graph.tensors[i].shape for i in graph.inputs]
    return End(
        names, graph.tensors[output].shape, kind, inputs[0] if len(inputs) == 1 else None
    )


def _needed(graph: Graph, output: int) -> frozenset[int]:
    """Indices of the operators that an output depends on."""
    wanted, needed = {output}, set()
    for op in reversed(graph.operators):
        if not wanted.isdisjoint(op.outputs):
            wanted.update(op.inputs)
            needed.add(op.index)
    return frozenset(needed)


def _line(number: int, end: End) -> str:
    words = [f"{number}: {quoted(end.name)}"]
    words += [str(list(end.shape))] * bool(end.shape)
    return " ".join(words) + (f", {end.learns}" if end.learns else "")


def _listed(ends: list[End]) -> str:
    return "Its outputs: " + "; ".join(_line(*pair) for pair in enumerate(ends))
