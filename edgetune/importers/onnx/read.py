"""An .onnx file, read as a float Graph.

The ``onnx`` package reads the file, checks it and works out constants; what is left is lowered
here.  ONNX keeps channels in the second axis, the Graph in the last one: the Graph's input is the
file's with channels last, unless the file itself transposes it first or has no layer that knows
channels.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from edgetune.errors import ModelError
from edgetune.floats.graph import MAX_ELEMENTS, MAX_OPERATORS, check_float_graph
from edgetune.floats.rewriting import rewritten
from edgetune.importers.extras import need
from edgetune.model.constant_inputs import Constants
from edgetune.model.decode import corrupt, quoted
from edgetune.model.graph import Graph, OtherOutput
from edgetune.model.outputs import Choice
from edgetune.model.selection import join_selections

FIRST_OPSET = 7
REAL = (0, 1, 10, 11, 16)  # TensorProto's types: none said, float, float16, double, bfloat16
MAX_RANK = 4


def read_onnx(
    content: bytes, folder: Path | None = None, output: Choice = None, inputs: Constants = ()
) -> Graph:
    """Reads an ONNX model of opset 7 or newer as a float Graph (``floats.graph``).

    Args:
        content: the file's.
        folder: where a file of weights that the model names may lie.
        output: of a model with several outputs the one that counts, its name or number.
        inputs: those that are constants (``model.constant_inputs``), in the file's order of axes.

    Raises:
        ModelError: not an ONNX file, corrupt, with nodes that cannot be converted (all of them
            listed), or with several outputs of which none is named.
        UsageError: there is no such output, or one of ``inputs`` does not suit the model.
        ToolchainError: the package ``onnx`` is not installed.
    """
    need("onnx", "onnx", "ONNX files")
    from edgetune.importers.onnx.classifier import cut_classifier
    from edgetune.importers.onnx.inputs import fill_inputs, free_inputs
    from edgetune.importers.onnx.integers import expand_integers
    from edgetune.importers.onnx.load import load
    from edgetune.importers.onnx.machines import expand_machines
    from edgetune.importers.onnx.outputs import choose_output

    model = load(content, folder)
    voting = expand_machines(model.graph)
    cut = cut_classifier(model.graph, output)
    left_out = choose_output(model.graph, None if cut else output)
    expand_integers(model.graph)
    opset = _opset(model)
    names = free_inputs(model.graph)
    fill_inputs(model.graph, names, inputs)
    names = free_inputs(model.graph)
    _refuse_integers(model.graph, names)
    graph = _lowered(model.graph, opset, _shapes(model, names), names)
    check_float_graph(graph)
    others = tuple(OtherOutput(left, -1, frozenset()) for left in left_out)
    return replace(graph, other_outputs=others, decoding=tuple(voting))


def _opset(model) -> int:
    opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0)
    if opset < FIRST_OPSET:
        raise ModelError(
            f"The ONNX file is of opset {opset}.",
            f"edgetune reads opset {FIRST_OPSET} and newer.",
            "Export it again, or raise it with onnx.version_converter.convert_version.",
        )
    if len(model.graph.node) > MAX_OPERATORS:
        raise ModelError(
            f"The model has {len(model.graph.node)} nodes.",
            f"edgetune converts up to {MAX_OPERATORS}.",
            "Name a smaller model.",
        )
    return opset


def _refuse_integers(graph, names: list[str]) -> None:
    """Integers are numbers where a Cast reads them; else they are quantised, or indices."""
    from onnx import TensorProto

    for source in graph.input:
        kind, readers = source.type.tensor_type.elem_type, _readers(graph, source.name)
        if source.name in names and kind not in REAL and not readers <= {"Cast"}:
            raise ModelError(
                f"The input {quoted(source.name)} is of the type "
                f"{TensorProto.DataType.Name(kind).lower()}.",
                "It is quantised, or counts something: edgetune takes real numbers.",
                "Export the model with an input of float32.",
            )


def _readers(graph, name: str) -> set[str]:
    return {node.op_type for node in graph.node if name in node.input}


def _shapes(model, names: list[str]) -> dict[str, tuple[int, ...]]:
    """The shapes that the file states, by name, with a batch of one.

    onnx's shape inference is left alone: on contradicting files it may end the process.
    """
    shapes = {}
    for value in [*model.graph.value_info, *model.graph.output, *model.graph.input]:
        if value.name in names:
            _fix_batch(value)
        dims = value.type.tensor_type.shape.dim
        shape = tuple(d.dim_value if d.HasField("dim_value") else 0 for d in dims)
        if shape[:1] > (1,):
            continue  # rows of one sample, and no batch
        shape = (1, *shape[1:])
        if 1 <= len(shape) <= MAX_RANK and min(shape) > 0 and math.prod(shape) <= MAX_ELEMENTS:
            shapes[value.name] = shape
    for name in names:
        if name not in shapes:
            raise corrupt(f"The input {quoted(name)} is too large.")
    return shapes


def _fix_batch(value) -> None:
    dims = value.type.tensor_type.shape.dim
    shape = [d.dim_value if d.HasField("dim_value") else d.dim_param or "?" for d in dims]
    if not 2 <= len(shape) <= MAX_RANK or any(not isinstance(n, int) for n in shape[1:]):
        raise ModelError(
            f"The input {quoted(value.name)} has the shape {shape}.",
            "edgetune wants a batch and one to three dimensions of fixed size.",
            "Export it with fixed sizes; only the batch may be open.",
        )
    if min(shape[1:]) < 1 or (isinstance(shape[0], int) and shape[0] > 1):
        raise ModelError(
            f"The input {quoted(value.name)} has the shape {shape}.",
            "A device takes one sample at a time.",
            "Export it with a batch of one, or with an open batch.",
        )


def _lowered(graph, opset: int, shapes: dict, names: list[str]) -> Graph:
    """The Graph, for the order of the inputs' axes that takes the fewest transpositions."""
    from edgetune.importers.onnx.lower import Lowering, refused
    from edgetune.importers.onnx.table import CHANNELS_SECOND
    from edgetune.importers.onnx.values import channels_last

    ranks = [len(shapes[name]) for name in names]
    orders = list(dict.fromkeys((
        tuple(map(channels_last, ranks)), tuple(tuple(range(rank)) for rank in ranks),
    )))
    if not any(node.op_type in CHANNELS_SECOND for node in graph.node):
        orders.reverse()
    attempts = [Lowering(graph, opset, shapes, dict(zip(names, order))) for order in orders]
    found = [lowered for attempt in attempts if (lowered := attempt.run()) is not None]
    if found:
        best = min(found, key=_transpositions)
        join_selections(best)
        return rewritten(best)
    problems = [attempt.problems for attempt in attempts]
    raise refused(min(problems, key=len)) if problems[0] else corrupt("It has no nodes.")


def _transpositions(graph: Graph) -> int:
    return sum(operator.kind == "TRANSPOSE" for operator in graph.operators)
