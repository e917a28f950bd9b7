"""A Graph's operators one by one, in the order of the file."""

from __future__ import annotations

from edgetune.errors import ModelError
from edgetune.learn.losses import LossChoice, ModelEnd, make_loss
from edgetune.learn.lower.chains import chains, lower_chain
from edgetune.learn.lower.constants import fold_constants
from edgetune.learn.lower.functions import FUNCTIONS, lower_function
from edgetune.learn.operators import OF_OPERATORS
from edgetune.learn.program import Program
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Graph, Operator
from edgetune.model.kinds import VIEWS


def _view(tensors: Tensors, op: Operator) -> None:
    tensors.view(op.outputs[0], op.inputs[0])


LOWERINGS = OF_OPERATORS | dict.fromkeys(FUNCTIONS, lower_function) | dict.fromkeys(VIEWS, _view)


def lower(graph: Graph, loss: LossChoice = LossChoice()) -> Program:
    """Lower ``graph`` to a Program that learns by ``loss``.

    New shapes of the same memory become views, and a PAD whose only reader is a convolution
    with VALID padding becomes that convolution's own padding.  A chain in which one value
    decides becomes one table.  What depends on constants alone becomes a constant.  Operators
    that the output does not depend on are left out.

    Raises:
        ModelError: a model that computes nothing.
        UsageError: the loss does not suit the model.
    """
    operators = _needed(graph)
    tensors = Tensors(graph, operators)
    starts = tuple(tensors.add(i) for i in graph.inputs)
    tables = chains(graph, operators)
    inner = {op.index for chain in tables.values() for op in chain.operators}
    for op in operators:
        if op.index in tables:
            lower_chain(tensors, tables[op.index])
        elif op.index not in inner:
            LOWERINGS[op.kind](tensors, op)
    fold_constants(tensors)
    if not tensors.layers:
        raise ModelError(
            "The model computes nothing.",
            "Its output is its input in another shape, or always the same.",
            "Name a model with a convolution or a dense layer.",
        )
    output = tensors.of_tensor[graph.outputs[0]]
    found, logits = make_loss(loss, _end(tensors, operators, starts, output))
    return Program(
        tensors.activations, tensors.layers, starts, output, tensors.activations.index(logits),
        found, graph,
    )


def _end(
    tensors: Tensors, operators: list[Operator], starts: tuple[int, ...], output: int
) -> ModelEnd:
    """The last operator that computes something: a view behind it changes no value."""
    activations, last = tensors.activations, tensors.layers[-1]
    kind = next(op.kind for op in operators if op.index == last.operator)
    source = activations[starts[0]] if len(starts) == 1 else None
    return ModelEnd(kind, activations[last.input], activations[output], source)


def _needed(graph: Graph) -> list[Operator]:
    """Operators that the output depends on; what makes the output comes last."""
    wanted, kept = {graph.outputs[0]}, []
    for op in reversed(graph.operators):
        if wanted & set(op.outputs):
            wanted |= set(op.operands)
            kept.append(op)
    return kept[::-1]
