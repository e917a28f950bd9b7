"""Operators without an int8 kernel in TFLite, written with those that have one; and chains of
operators that have a name, by that name.

    NEG x             MUL x, -1                SQUARE x          MUL x, x
    DIV x, constant   MUL x, 1 / constant      POW x, 1 to 4     products
    POW x, 1/2        SQRT x                   POW x, -1/2       RSQRT x
    PRELU, one slope  LEAKY_RELU               SPLIT, UNPACK     a SLICE for each output
    PACK                                       CONCATENATION
    BATCH_MATMUL x, constant                   FULLY_CONNECTED
    UNIDIRECTIONAL_SEQUENCE_LSTM               its steps (``recurrent``)
    ADD, SUB, MUL of different dimensions      with as many dimensions, by a RESHAPE
    a fused RELU_N1_TO_1, RELU_0_TO_1 or TANH  the function behind

A chain in which one value decides (``0.5 * x * (1 + erf(x / sqrt 2))``) is tried on many values:
where it computes GELU, HARD_SWISH or another function, that takes its place.  Functions that are
no kind of operator are written as ``forms`` has them.
"""

from __future__ import annotations

import math

import numpy as np

from edgetune.floats.forms import FORMS, write_form
from edgetune.floats.operators import ERF, OPERATORS, evaluate
from edgetune.floats.recurrent import unroll
from edgetune.model.graph import Graph, Operator
from edgetune.model.kinds import ARITHMETIC, ELEMENTWISE, FUSED_OPTION, FUSING, KINDS
from edgetune.model.moves import places_of
from edgetune.model.one_value import Chain, OneValue
from edgetune.model.rewrite import Rewriter

BEHIND = ("RELU_N1_TO_1", "RELU_0_TO_1", "TANH")  # functions that no int8 kernel fuses
HIGHEST = 1e4
LARGE = np.geomspace(10, HIGHEST, 31)
LARGE[-1] = HIGHEST
TRIED = np.concatenate([np.linspace(-9, 9, 721), -LARGE, LARGE])[None]
PROBES = (-HIGHEST, 0.0, -1.0, HIGHEST)  # values tried that tell what numbers a function has
CLOSE = 2e-4  # of a function by that name, in its own size beyond one
WITHIN = 80.0  # values that a chain has to be finite for; exp(x) is so in float32
NAMES = (
    *((kind, {}) for kind in ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "ABS", "LOGISTIC",
                              "TANH", "HARD_SWISH", "ELU")),
    ("GELU", {"approximate": False}), ("GELU", {"approximate": True}),
    ("LOG_SIGMOID", {}), ("MISH", {}), ("SOFTSIGN", {}),
)
UNNAMED = {"ERF": ERF, "SIGN": np.sign}  # found as links of a chain alone
LINKS = (*ELEMENTWISE, *UNNAMED, *FORMS)  # of chains that may have a name


def rewritten(graph: Graph) -> Graph:
    """A float Graph without the operators above, as far as they can be written otherwise."""
    rewriter = Rewriter(graph)
    unroll(rewriter)
    for op in list(rewriter.operators):
        if op.kind in PARTED and op.is_complete:
            _part(rewriter, op)
        if op.kind in RULES and min(op.inputs, default=-1) >= 0 and len(op.outputs) == 1:
            RULES[op.kind](rewriter, op)
        if op.kind in FUSING and op.options.get(FUSED_OPTION) in BEHIND and len(op.outputs) == 1:
            _unfuse(rewriter, op)
    _name_chains(rewriter)
    return rewriter.graph()


def _unfuse(rewriter: Rewriter, op: Operator) -> None:
    result, function = op.outputs[0], op.options[FUSED_OPTION]
    inner = rewriter.activation(f"{_name(rewriter, op)}/linear", rewriter.shape(result))
    op.outputs, op.options = (inner,), dict(op.options, **{FUSED_OPTION: "NONE"})
    rewriter.insert_after(op, function, (inner,), (result,))


def _name(rewriter: Rewriter, op: Operator) -> str:
    return rewriter.tensors[op.outputs[0]].name


# ---- one operator by others


def _become(op: Operator, kind: str, *inputs: int, **options) -> None:
    op.kind, op.inputs, op.options = kind, inputs, options


def _times(rewriter: Rewriter, op: Operator, values, fused: str = "NONE") -> None:
    constant = rewriter.constant(f"{_name(rewriter, op)}/factor", np.asarray(values, np.float32))
    _become(op, "MUL", op.inputs[0], constant, **{FUSED_OPTION: fused})


def _negative(rewriter: Rewriter, op: Operator) -> None:
    _times(rewriter, op, [-1.0])


def _square(rewriter: Rewriter, op: Operator) -> None:
    _become(op, "MUL", op.inputs[0], op.inputs[0], **{FUSED_OPTION: "NONE"})


def _quotient(rewriter: Rewriter, op: Operator) -> None:
    divisors = rewriter.data(op.inputs[1]) if len(op.inputs) == 2 else None
    if divisors is not None and (divisors != 0).all():
        reciprocals = 1 / divisors.astype(np.float32)
        _times(rewriter, op, reciprocals, op.options.get(FUSED_OPTION, "NONE"))


def _power(rewriter: Rewriter, op: Operator) -> None:
    exponents = rewriter.data(op.inputs[1]) if len(op.inputs) == 2 else None
    if exponents is None or np.unique(exponents).size != 1:
        return
    exponent, x = float(exponents.reshape(-1)[0]), op.inputs[0]
    if abs(exponent) == 0.5:
        _become(op, "SQRT" if exponent > 0 else "RSQRT", x)
    elif exponent == 1:
        _times(rewriter, op, [1.0])
    elif exponent in (2, 3, 4):
        _product(rewriter, op, x, int(exponent))


def _product(rewriter: Rewriter, op: Operator, x: int, count: int) -> None:
    """x * x, times x or squared again."""
    if count == 2:
        return _become(op, "MUL", x, x, **{FUSED_OPTION: "NONE"})
    inner = rewriter.activation(f"{_name(rewriter, op)}/square", rewriter.shape(x))
    rewriter.insert(op, "MUL", (x, x), (inner,), {FUSED_OPTION: "NONE"})
    return _become(op, "MUL", inner, x if count == 3 else inner, **{FUSED_OPTION: "NONE"})


def _slopes(rewriter: Rewriter, op: Operator) -> None:
    slopes = rewriter.data(op.inputs[1]) if len(op.inputs) == 2 else None
    if slopes is None:
        return
    if np.unique(slopes).size == 1:
        _become(op, "LEAKY_RELU", op.inputs[0], alpha=float(slopes.reshape(-1)[0]))


def _part(rewriter: Rewriter, op: Operator) -> None:
    """A slice for each output, wherever its elements lie side by side in a box; where sizes
    contradict each other nothing is written otherwise."""
    x = op.inputs[KINDS[op.kind].data]
    constants = [rewriter.data(i) for i in op.inputs if i != x]
    shape = rewriter.shape(x)
    if any(constant is None for constant in constants):
        return
    try:
        parts = places_of(op.kind, shape, op.options, constants)
    except ValueError:
        return
    if [part.shape for part in parts] != [rewriter.shape(i) for i in op.outputs]:
        return
    for output, part in zip(op.outputs, parts):
        corners = np.array(np.unravel_index([part.min(), part.max()], shape), np.int32).T
        begin, size = corners[0], corners[1] - corners[0] + 1
        name = rewriter.tensors[output].name
        bounds = [rewriter.constant(f"{name}/{role}", values)
                  for role, values in (("begin", begin), ("size", size))]
        inner = rewriter.activation(f"{name}/slice", tuple(int(n) for n in size))
        rewriter.insert(op, "SLICE", (x, *bounds), (inner,))
        rewriter.insert(op, "RESHAPE", (inner,), (output,))
    rewriter.remove(op)


def _pack(rewriter: Rewriter, op: Operator) -> None:
    """Operands with an axis of their own, one behind the other along it."""
    shape = rewriter.shape(op.outputs[0])
    axis = op.options["axis"] % max(1, len(shape))
    row, inputs = (*shape[:axis], 1, *shape[axis + 1 :]), []
    if any(rewriter.tensors[i].size != math.prod(row) for i in op.inputs):
        return
    for place, index in enumerate(op.inputs):
        data, name = rewriter.data(index), f"{_name(rewriter, op)}/{place}"
        if data is not None:
            inputs.append(rewriter.constant(name, data.reshape(row)))
        else:
            inputs.append(rewriter.activation(name, row))
            rewriter.insert(op, "RESHAPE", (index,), (inputs[-1],))
    _become(op, "CONCATENATION", *inputs, axis=axis, **{FUSED_OPTION: "NONE"})


def _as_many_dimensions(rewriter: Rewriter, op: Operator) -> None:
    """Dimensions of one before those of the smaller operand, as TFLite counts them."""
    if len(op.inputs) != 2:
        return
    rank = max(len(rewriter.shape(i)) for i in op.inputs)
    for index in op.inputs:
        shape = rewriter.shape(index)
        if rewriter.data(index) is None and len(shape) < rank:
            wider = (1,) * (rank - len(shape)) + shape
            inner = rewriter.activation(f"{rewriter.tensors[index].name}/wider", wider)
            rewriter.insert(op, "RESHAPE", (index,), (inner,))
            op.inputs = tuple(inner if i == index else i for i in op.inputs)


def _matrix_product(rewriter: Rewriter, op: Operator) -> None:
    """Of an activation with a constant matrix: a dense layer over its vectors."""
    matrix = rewriter.data(op.inputs[1]) if len(op.inputs) == 2 else None
    if matrix is None or rewriter.data(op.inputs[0]) is not None or op.options.get("adj_x"):
        return
    if matrix.ndim < 2 or matrix.size != matrix.shape[-2] * matrix.shape[-1]:
        return
    matrix = matrix.reshape(matrix.shape[-2:])
    weights = matrix if op.options.get("adj_y") else matrix.T
    constant = rewriter.constant(f"{_name(rewriter, op)}/weights", weights.astype(np.float32))
    fused = {FUSED_OPTION: "NONE"}
    _become(op, "FULLY_CONNECTED", op.inputs[0], constant, -1, keep_num_dims=True, **fused)


PARTED = ("SPLIT", "SPLIT_V", "UNPACK")
RULES = {
    "PACK": _pack,
    "NEG": _negative, "SQUARE": _square, "DIV": _quotient, "POW": _power,
    "PRELU": _slopes, "BATCH_MATMUL": _matrix_product,
    **dict.fromkeys(ARITHMETIC, _as_many_dimensions), **dict.fromkeys(FORMS, write_form),
}


# ---- chains that have a name


def _name_chains(rewriter: Rewriter) -> None:
    done: set[int] = set()  # outputs of operators inside chains that have a name now
    found = None
    for op in reversed(list(rewriter.operators)):
        if len(op.outputs) != 1 or op.outputs[0] in done:
            continue
        found = found or OneValue(rewriter.tensors, rewriter.operators, rewriter.outputs)
        chain = found.chain(op, LINKS)
        if chain is None or len(chain.operators) < 2:
            continue
        if not all(link.is_complete for link in chain.operators):
            continue
        if named := _function(rewriter, chain):
            found = None  # it knew the chain
            done |= {inner.outputs[0] for inner in chain.operators}
            _become(op, named[0], chain.source, **named[1])
            if named[0] in FORMS:
                write_form(rewriter, op)


def _function(rewriter: Rewriter, chain: Chain) -> tuple[str, dict] | None:
    """Kind and options of the function that a chain computes; None where it has no name."""
    y = _values(rewriter, chain)
    candidates = (*NAMES, *_with_numbers(y.reshape(-1)))
    with np.errstate(all="ignore"):
        errors = [_error(y, _computed(*candidate)) for candidate in candidates]
    best = int(np.argmin(errors))
    return candidates[best] if errors[best] < CLOSE else None


def _with_numbers(y: np.ndarray) -> list[tuple[str, dict]]:
    """Functions that have numbers of their own, with those that they have if ``y`` is theirs."""
    low, zero, one, high = (float(y[np.flatnonzero(TRIED[0] == x)[0]]) for x in PROBES)
    found = [
        ("LEAKY_RELU", {"alpha": -one}),
        ("SCALED_ELU", {"above": high / HIGHEST, "below": -low}),
        ("CELU", {"alpha": -low}),
        ("SOFTPLUS", {"beta": math.log(2) / zero if zero else math.nan}),
        ("SOFTSHRINK", {"lambda": HIGHEST - high}),
    ]
    return [each for each in found if all(map(_is_parameter, each[1].values()))]


def _is_parameter(number: float) -> bool:
    """Of a function's; others are none that anybody uses."""
    return math.isfinite(number) and number != 0 and abs(number) < HIGHEST


def _computed(kind: str, options: dict) -> np.ndarray:
    """The function's values where it is tried."""
    if kind in FORMS:
        return FORMS[kind].compute(options, TRIED)
    return OPERATORS[kind](options, [TRIED], TRIED.shape)


def _error(y: np.ndarray, wanted: np.ndarray) -> float:
    """Where ``y`` is finite, as it has to be for all but huge values."""
    finite = np.isfinite(y)
    if not finite[np.abs(TRIED) <= WITHIN].all():
        return np.inf
    error = (np.abs(y - wanted) / np.maximum(np.abs(wanted), 1))[finite].max()
    return float(error) if np.isfinite(error) else np.inf


def _values(rewriter: Rewriter, chain: Chain) -> np.ndarray:
    """What the chain makes of the values tried, float64."""
    values = {chain.source: TRIED}
    with np.errstate(all="ignore"):
        for op in chain.operators:
            operands = [
                values[i] if i in values
                else np.float64(rewriter.tensors[i].values.reshape(-1)[0]) for i in op.inputs
            ]
            values[op.outputs[0]] = _link(op, operands)
    return values[chain.operators[-1].outputs[0]]


def _link(op: Operator, operands: list) -> np.ndarray:
    if op.kind in FORMS:
        return FORMS[op.kind].compute(op.options, operands[0])
    if op.kind in UNNAMED:
        return UNNAMED[op.kind](operands[0])
    return evaluate(op, operands, TRIED.shape)
