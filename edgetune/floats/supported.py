"""What the float Graph cannot hold, named."""

from __future__ import annotations

from edgetune.floats.recurrent import not_unrolled
from edgetune.model.faults import axes as axes_fault
from edgetune.model.graph import Graph, Operator, Tensor
from edgetune.model.kinds import (
    ARITHMETIC,
    CONVERTED,
    DECIDED_BY_ONE,
    JOINING,
    KINDS,
    LSTM,
    MOVED,
    REDUCING,
    RESIZED,
    REWRITTEN,
    VIEWS,
    WEIGHTED,
    WINDOWED,
)
from edgetune.model.reasons import FIXED, STATELESS, Finding, Reason, refusal, unknown_kind
from edgetune.model.refusals import slopes
from edgetune.model.shapes import stated
from edgetune.model.supported import other_ends, output_name, unread_inputs

OPERANDS = {name: KINDS[name].inputs for name in CONVERTED} | {  # least and most inputs
    "SQUEEZE": (1, 2), "EXPAND_DIMS": (1, 2),  # other than as int8
}
INTEGERS = {  # places of operands that are no real numbers
    name: tuple(range(1, len(KINDS[name].constants) + 1))
    for name in CONVERTED if name not in (*WEIGHTED, *JOINING)
}
NEEDED_INTEGERS = [name for name in INTEGERS if KINDS[name].output_shape is not stated]
OWN_REASONS = (*MOVED, *RESIZED, "TRANSPOSE_CONV")  # in their rows: float files have the same
ACTIVATIONS = ("NONE", "RELU", "RELU6")
MAX_RANK = 4
REAL = (
    "Keep what computes on integers, texts or truth values outside of the model: its input and "
    "all that it computes are real numbers, float32 or float16 ones."
)
DENSER = "Convert again with weights of float32, float16, or one int8 each."


def refuse_unsupported(graph: Graph) -> None:
    """Raises one ModelError that names everything that cannot be converted, and why."""
    findings = [
        Finding(op.kind, f"operator {op.index} {op.kind}{output_name(graph, op)}", reasons)
        for op in graph.operators
        if (reasons := unsupported(graph, op))
    ]
    findings += [Finding("", "", [reason]) for reason in _graph_reasons(graph)]
    if findings:
        raise refusal("convert", findings, "Operators that convert: " + ", ".join(OPERANDS) + ".")


def unsupported(graph: Graph, operator: Operator) -> list[str]:
    """Reasons why ``operator`` cannot be converted; empty if it can."""
    if operator.kind == LSTM and (reason := not_unrolled(graph, operator)):
        return [reason]
    if operator.kind not in OPERANDS:
        return [REWRITTEN.get(operator.kind) or unknown_kind(operator.kind)]
    least, most = OPERANDS[operator.kind]
    if not least <= len(operator.inputs) <= most or len(operator.outputs) != 1:
        return [f"{len(operator.inputs)} inputs and {len(operator.outputs)} outputs"]
    if -1 in operator.inputs[:least]:
        return ["a needed input is absent"]
    reasons = [*_activation_reasons(graph, operator), *_operand_reasons(graph, operator)]
    reasons += _option_reasons(operator)
    return reasons or _value_reasons(graph, operator)


def _activation_reasons(graph, operator) -> list[str]:
    reasons = []
    for tensor in activations_of(graph, operator):
        shape = list(tensor.shape)
        if tensor.dtype != "float32":
            reasons.append(Reason(f"{tensor.dtype} activations", REAL))
        elif min(shape, default=1) < 1:
            reasons.append(Reason(f"the dynamic or empty shape {shape}", FIXED))
        elif shape[:1] != [1]:
            reasons.append(Reason(f"a batch other than one, {shape}", FIXED))
        elif tensor.variable:
            reasons.append(Reason("activations that keep state between calls", STATELESS))
        elif len(shape) > MAX_RANK and operator.kind not in (*VIEWS, *MOVED):
            reasons.append(f"{len(shape)} dimensions")
    if operator.kind in WINDOWED and len(graph.tensors[operator.inputs[0]].shape) != 4:
        reasons.append("an input that has not 4 dimensions")
    return list(dict.fromkeys(reasons))


def _operand_reasons(graph, operator) -> list[str]:
    """Weights and integer operands are constants; of the others one at least is not."""
    reasons = []
    integers = INTEGERS.get(operator.kind, ()) if operator.kind in NEEDED_INTEGERS else ()
    reals = tuple(range(1, len(operator.inputs))) if operator.kind in WEIGHTED else ()
    for place in (*reals, *integers):
        index = operator.inputs[place]
        if index < 0:
            continue
        tensor = graph.tensors[index]
        wanted = ("float32",) if place in reals else ("int32", "int64")
        if tensor.dtype not in wanted:
            reasons.append(_other_type(operator.kind, place, tensor.dtype))
        elif tensor.data is None:
            reasons.append(f"operand {place} is computed, not constant")
    if graph.tensors[operator.inputs[0]].data is not None and operator.kind != "CONCATENATION":
        others = [graph.tensors[i].data for i in operator.inputs[1:] if i >= 0]
        if operator.kind not in (*ARITHMETIC, *DECIDED_BY_ONE) or others[0] is not None:
            reasons.append("it computes on constants only")
    return reasons


def _other_type(kind: str, place: int, dtype: str) -> str:
    """What stands in place of real weights, or of integers."""
    if kind not in WEIGHTED:
        return f"operand {place} of type {dtype}"
    return Reason(f"{dtype} {('weights', 'bias')[min(place, 2) - 1]}", DENSER)


def _option_reasons(operator) -> list[str]:
    options = operator.options
    reasons = []
    activation = options.get("fused_activation_function", "NONE")
    if activation not in ACTIVATIONS:
        reasons.append(f"fused activation {activation}")
    if options.get("weights_format", 0) != 0:
        reasons.append("shuffled weights")
    return reasons


def _value_reasons(graph, operator) -> list[str]:
    data = graph.tensors[operator.inputs[0]]
    rank = len(data.shape)
    if operator.kind in REDUCING and (cause := axes_fault(graph, operator)):
        return [cause]
    if operator.kind == "PAD":
        paddings = graph.tensors[operator.inputs[1]].data
        if paddings.shape == (rank, 2) and paddings[0].any():
            return ["padding of the batch"]
    if operator.kind == "PRELU":
        reason = slopes(graph, operator)
        return [reason] if reason else []
    if operator.kind in (*ARITHMETIC, *DECIDED_BY_ONE):
        ranks = {len(t.shape) for t in activations_of(graph, operator)}
        return ["operands of different ranks"] if len(ranks) > 1 else []
    refused = KINDS[operator.kind].refused if operator.kind in OWN_REASONS else None
    reason = refused(graph, operator) if refused else None
    return [reason] if reason else []


def _graph_reasons(graph: Graph) -> list[str]:
    reasons = []
    for role, indices in (("inputs", graph.inputs), ("outputs", graph.outputs)):
        if not indices or (role == "outputs" and len(indices) != 1):
            reasons.append(other_ends(graph, role, indices))
    reasons += unread_inputs(graph)
    if set(graph.outputs) & {t.index for t in graph.tensors if t.data is not None}:
        reasons.append("the graph's output is a constant")
    if set(graph.outputs) & set(graph.inputs):
        reasons.append("the graph's output is its input")
    return reasons


def activations_of(graph: Graph, operator: Operator) -> list[Tensor]:
    """Operands that are neither constants nor weights nor integers, and the output."""
    places = range(len(operator.inputs))
    if operator.kind in WEIGHTED:
        places = (0,)
    places = [p for p in places if p not in INTEGERS.get(operator.kind, ())]
    inputs = [graph.tensors[operator.inputs[p]] for p in places if operator.inputs[p] >= 0]
    return [t for t in inputs if t.data is None] + [graph.tensors[i] for i in operator.outputs]
