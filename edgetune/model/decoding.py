"""Decoding at a model's end: what picks values, or makes boxes and poses of them.

No error comes back through it, so that nothing behind it learns.  The outputs are then what it
reads of the network, and it is left to the firmware; a tuned file keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from edgetune.errors import ModelError
from edgetune.model.decode import decode
from edgetune.model.extend import Extension
from edgetune.model.graph import Graph, Operator
from edgetune.model.kinds import BRIDGES, VIEWS, WEIGHTED
from edgetune.model.reasons import DECODERS, PLACES

PICKS = (*PLACES, "TOPK_V2", *DECODERS)
ENLARGING = ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")  # of a map that is then decoded


def before_decoding(graph: Graph) -> Graph:
    """``graph`` up to its decoding, whose operators are ``cut`` and whose kinds are ``decoding``.

    A graph stays as it is where there is none, or where layers with weights are behind it.

    Args:
        graph: as decoded and in order; it is not changed.
    """
    behind = _behind(graph)
    indices = {op.index for op in behind}
    if not behind or any(op.kind in WEIGHTED for op in behind):
        return graph
    read = _read_of_network(graph, behind)
    picked = {i for op in behind for i in op.outputs}
    ends = [i for out in graph.outputs for i in (read if out in picked else [out])]
    if not read or not picked & set(graph.outputs):
        return graph
    kinds = dict.fromkeys(op.kind for op in behind if op.kind in PICKS)
    return replace(
        graph, outputs=tuple(dict.fromkeys(ends)),
        operators=[op for op in graph.operators if op.index not in indices],
        cut=[*graph.cut, *behind], decoding=tuple(kind.removeprefix("CUSTOM:") for kind in kinds),
    )


def without_decoding(content: bytes) -> bytes:
    """A file that ends where the network does, so that whatever runs it need not know how to
    decode; one without decoding, or that cannot be read, as it is."""
    try:
        graph = before_decoding(decode(content))
        if not graph.decoding:
            return content
        extension = Extension(content)
        extension.end_at(graph.outputs, [op.index for op in graph.operators])
        return extension.build()
    except ModelError:
        return content


def left_to_firmware(kinds: Iterable[str]) -> str:
    """The sentence that says so."""
    return (
        f"{', '.join(kinds)} at the end is left to your firmware: it decodes what the network "
        "gives, and no error comes back through it."
    )


def source_of(graph: Graph, tensor: int) -> int:
    """The tensor whose values ``tensor`` holds in another shape or type of numbers."""
    producers = {i: op for op in graph.operators for i in op.outputs}
    while (op := producers.get(tensor)) is not None and _is_same(op):
        tensor = op.inputs[0]
    return tensor


def _is_same(op: Operator) -> bool:
    return op.kind in (*BRIDGES, *VIEWS) and bool(op.inputs) and op.inputs[0] >= 0


def _behind(graph: Graph) -> list[Operator]:
    """All that depends on what was picked, and what only enlarges a map for it."""
    picked: set[int] = set()
    behind = set()
    for op in graph.operators:
        if op.kind in PICKS or not picked.isdisjoint(op.inputs):
            picked.update(op.outputs)
            behind.add(op.index)
    kept, read = set(graph.outputs), set[int]()
    for op in reversed(graph.operators):
        if op.kind in ENLARGING and kept.isdisjoint(op.outputs) and read.intersection(op.outputs):
            behind.add(op.index)
        (read if op.index in behind else kept).update(op.inputs)
    return [op for op in graph.operators if op.index in behind] if picked else []


def _read_of_network(graph: Graph, behind: list[Operator]) -> list[int]:
    """What the decoding reads of what the network computes from its inputs."""
    indices = {op.index for op in behind}
    live, made = set(graph.inputs), set[int]()
    for op in graph.operators:
        if op.index not in indices and op.kind != "SHAPE" and not live.isdisjoint(op.inputs):
            live.update(op.outputs)
            made.update(op.outputs)
    read = [source_of(graph, i) for op in behind for i in op.inputs if i in made]
    return [i for i in dict.fromkeys(read) if i in made]
