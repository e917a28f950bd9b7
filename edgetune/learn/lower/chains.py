"""Operators of which one value decides, alone or as a chain, as one table.

Bits are those of the operators one behind the other; slopes are the derivative of what they
compute in real numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgetune.floats.operators import LIMITS, activate, evaluate
from edgetune.learn.lower.functions import (
    VALUES,
    derivative_of,
    lower_function,
    slope_table,
)
from edgetune.learn.operators import OF_OPERATORS, Lookup
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Graph, Operator, Tensor
from edgetune.model.kinds import DECIDED_BY_ONE, ELEMENTWISE, FUNCTIONS, FUSED_OPTION, VIEWS
from edgetune.model.one_value import Chain, OneValue

LOSSES = ("LOGISTIC",)  # at the end, of which a loss looks at the input
TINY = 1e-30j


def chains(graph: Graph, operators: list[Operator]) -> dict[int, Chain]:
    """Chains that become one table each, by the index of their last operator.  Sums and products
    alone stay what they are."""
    found: dict[int, Chain] = {}
    taken: set[int] = set()
    end = next((op for op in reversed(operators) if op.kind not in VIEWS), None)
    of_one = OneValue(graph.tensors, operators, graph.outputs)
    for op in reversed(operators):
        ends_in_loss = op is end and op.kind in LOSSES
        chain = None if ends_in_loss or op.index in taken else of_one.chain(op, ELEMENTWISE)
        if chain and (len(chain.operators) > 1 or op.kind in DECIDED_BY_ONE):
            found[op.index] = chain
            taken |= {inner.index for inner in chain.operators}
    return found


def lower_chain(tensors: Tensors, chain: Chain) -> None:
    last = chain.operators[-1]
    table, derivative = _integers(tensors.graph, chain), _derivative(tensors.graph, chain)
    steps = tensors.scale(chain.source) / tensors.scale(last.outputs[0])
    source = tensors.index(chain.source)
    place = f"{last.kind.lower()}_{last.index}", last.index, source, tensors.add(last.outputs[0])
    tensors.layers.append(Lookup(*place, table.astype(np.int8), *slope_table(derivative * steps)))


# -- bits --------------------------------------------------------------------------------------


def _integers(graph: Graph, chain: Chain) -> np.ndarray:
    """int64 [256]: the last operator's output where the source is -128, -127, ..., 127."""
    small = replace(graph, tensors=[_narrowed(t) for t in graph.tensors])
    tensors = Tensors(small, chain.operators)
    values = {tensors.index(chain.source): VALUES.reshape(1, 1, -1)}
    for op in chain.operators:
        _run(tensors, op, values)
    return values[tensors.index(chain.operators[-1].outputs[0])].reshape(-1)


def _narrowed(tensor: Tensor) -> Tensor:
    """256 values of an activation, one of a constant."""
    if tensor.data is None:
        return replace(tensor, shape=(1, 256))
    data = tensor.data.reshape(-1)[:1]
    return replace(tensor, shape=data.shape, data=data)


def _run(tensors: Tensors, op: Operator, values: dict[int, np.ndarray]) -> None:
    """Adds the output of ``op`` to ``values``, by activation."""
    (lower_function if op.kind in FUNCTIONS else OF_OPERATORS[op.kind])(tensors, op)
    layer = tensors.layers[-1]
    for i in layer.inputs:
        constant = tensors.activations[i].constant
        if constant is not None:
            values[i] = constant.astype(np.int64)
    values[layer.output] = layer.forward([values[i] for i in layer.inputs], (1, 1, 256))


# -- slopes: values and derivatives by the source, both real -----------------------------------


def _derivative(graph: Graph, chain: Chain) -> np.ndarray:
    """float64 [256]: of the last operator's output by the source."""
    grid = graph.tensors[chain.source].grid
    source = grid.scale[0] * (VALUES - grid.zero_point[0])
    found = {chain.source: (source, np.ones(256))}
    for op in chain.operators:
        operands = [found.get(i) or _constant(graph.tensors[i]) for i in op.inputs]
        found[op.outputs[0]] = _step(op, operands)
    return found[chain.operators[-1].outputs[0]][1]


def _constant(tensor: Tensor) -> tuple[np.ndarray, np.ndarray]:
    value = tensor.grid.scale[0] * (int(tensor.values.reshape(-1)[0]) - tensor.grid.zero_point[0])
    return np.full(256, value), np.zeros(256)


def _step(op: Operator, operands: list) -> tuple[np.ndarray, np.ndarray]:
    """Value and derivative behind ``op``, from those of its operands."""
    linear = replace(op, options=dict(op.options, **{FUSED_OPTION: "NONE"}))
    with np.errstate(all="ignore"):
        y = evaluate(linear, [value for value, _ in operands], (256,))
    if op.kind in FUNCTIONS:
        x, slope = operands[0]
        by_source = derivative_of(op, x) * slope
    elif op.kind in PARTIALS:
        by_source = PARTIALS[op.kind](*(part for operand in operands for part in operand))
    else:  # sums and products are analytic: a complex step is their derivative
        ahead = [value + TINY * slope for value, slope in operands]
        by_source = evaluate(linear, ahead, (256,)).imag / TINY.imag
    fused = op.options.get(FUSED_OPTION, "NONE")
    low, high = LIMITS[fused]
    inside = (y > (-np.inf if low is None else low)) & (y < (np.inf if high is None else high))
    return activate(y, fused), np.where(inside, by_source, 0.0)


PARTIALS: dict[str, Callable[..., np.ndarray]] = {  # from operands a, b with their derivatives
    "MAXIMUM": lambda a, da, b, db: np.where(a >= b, da, db),
    "MINIMUM": lambda a, da, b, db: np.where(a <= b, da, db),
    "PRELU": lambda a, da, b, db: np.where(a >= 0, da, a * db + b * da),
    "SELECT_V2": lambda a, da, b, db, c, dc, d, dd: np.where(a > b, dc, dd),
    "SQUARED_DIFFERENCE": lambda a, da, b, db: 2 * (a - b) * (da - db),
}
