"""What edgetune does not run, named: float models, hybrid models, and single operators."""

from __future__ import annotations

from edgetune.errors import ModelError
from edgetune.model.decode import quoted
from edgetune.model.graph import Graph, Operator, Tensor
from edgetune.model.kinds import ANY_AXES, BRIDGES, KINDS, OF_VECTORS, REWRITTEN, WEIGHTED, Kind
from edgetune.model.reasons import (
    ENDS,
    FIXED,
    FROM_FLOAT,
    STATELESS,
    Finding,
    Reason,
    refusal,
    unknown_kind,
)

ACTIVATIONS = ("NONE", "RELU", "RELU6")
CONSTANT_TYPES = {"weights": ("int8",), "bias": ("int32",)}
INTEGERS = ("int32", "int64")  # of all other constants
FLOATS = ("float16", "float32", "float64")
CONVERT = (
    "Convert it to int8: edgetune convert MODEL -o INT8.tflite --data SAMPLES; "
    "edgetune tune does so by itself, and edgetune inspect says what will come of it."
)


def refuse_float(graph: Graph) -> None:
    """Raises ModelError for a float model and for a hybrid one, by that name."""
    operators = [o for o in graph.operators if o.kind not in BRIDGES]
    floating = [o for o in operators if o.outputs and _output(graph, o).dtype in FLOATS]
    weights = _weight_types(graph, floating)
    if weights & {"int8", "uint8", "int4"}:
        raise ModelError(
            "This is a hybrid model: int8 weights with float32 activations.",
            f"{len(floating)} of {len(operators)} operators compute in float; "
            "the engine computes in integers only.",
            CONVERT,
        )
    if floating and len(floating) == len(operators):
        held = "/".join(sorted(weights)) or "float32"
        raise ModelError(
            f"This is a float model: it holds {held} weights and float32 activations.",
            "The engine computes in integers only.",
            CONVERT,
        )


def refuse_unsupported(graph: Graph) -> None:
    """Raises one ModelError that lists every operator edgetune cannot run, and why."""
    findings = [
        Finding(o.kind, f"operator {o.index} {o.kind}{output_name(graph, o)}", reasons)
        for o in graph.operators
        if (reasons := unsupported(graph, o))
    ]
    findings += [Finding("", "", [reason]) for reason in _graph_reasons(graph)]
    if findings:
        raise refusal("run", findings, "Operators that run: " + ", ".join(KINDS) + ".")


def output_name(graph: Graph, operator: Operator) -> str:
    """" (output 'name')"; empty without an output, or one without a name."""
    name = _output(graph, operator).name if operator.outputs else ""
    return f" (output {quoted(name)})" if name else ""


def unsupported(graph: Graph, operator: Operator) -> list[str]:
    """Reasons why ``operator`` cannot run; empty if it can."""
    if operator.kind in BRIDGES and (reason := _bridge(graph, operator)):
        return [reason]
    if operator.kind not in KINDS:
        return [REWRITTEN.get(operator.kind) or unknown_kind(operator.kind)]
    least, _ = KINDS[operator.kind].inputs
    if not _fits(KINDS[operator.kind], operator):
        return [f"{len(operator.inputs)} inputs and {len(operator.outputs)} outputs"]
    if -1 in operator.inputs[:least] or -1 in operator.operands:
        return ["a needed input is absent"]
    return [
        *_types(graph, operator),
        *_options(operator),
        *(_constants(graph, operator) or _refused(graph, operator)),
    ]


def _fits(kind: Kind, operator: Operator) -> bool:
    """Whether it has as many inputs and outputs as its kind may."""
    return all(
        least <= len(found) <= most
        for found, (least, most) in ((operator.inputs, kind.inputs),
                                     (operator.outputs, kind.outputs))
    )


def _types(graph: Graph, operator: Operator) -> list[str]:
    reasons: list[str] = []
    ranks = KINDS[operator.kind].ranks
    for role, tensor in _activations(graph, operator):
        if tensor.dtype != "int8":
            reasons.append(Reason(f"{tensor.dtype} {role}", FROM_FLOAT))
        elif min(tensor.shape, default=1) < 1:
            shape = list(tensor.shape)
            reasons.append(Reason(f"{role} of the dynamic or empty shape {shape}", FIXED))
        elif _other_batch(tensor) and not _counts_else(operator, tensor):
            shape = list(tensor.shape)
            reasons.append(Reason(f"{role} with a batch other than one, {shape}", FIXED))
        elif tensor.variable:
            reasons.append(Reason(f"{role} that keeps state between calls", STATELESS))
        elif role == "input" and ranks and len(tensor.shape) not in ranks:
            wanted = " or ".join(map(str, ranks))
            reasons.append(f"input of {len(tensor.shape)} dimensions instead of {wanted}")
    return reasons


def _other_batch(tensor: Tensor) -> bool:
    return tensor.data is None and tensor.shape[:1] != (1,)


def _counts_else(operator: Operator, tensor: Tensor) -> bool:
    """Whether the first dimension may count something else than samples: vectors of a sequence,
    laid one under another, or anything where values only move or change one by one."""
    vectors = len(tensor.shape) == 2 and operator.kind in OF_VECTORS
    return vectors or operator.kind in ANY_AXES


def _options(operator: Operator) -> list[str]:
    options = operator.options
    reasons: list[str] = []
    activation = options.get("fused_activation_function", "NONE")
    if activation not in ACTIVATIONS:
        reasons.append(f"fused activation {activation}")
    if options.get("weights_format", 0) != 0:
        reasons.append("shuffled weights")
    return reasons


def _constants(graph: Graph, operator: Operator) -> list[str]:
    """The inputs beside the operands are constants of the types the engine knows."""
    reasons: list[str] = []
    for role, index in zip(KINDS[operator.kind].constants or (), operator.parameters):
        if index == -1:
            continue
        tensor = graph.tensors[index]
        if tensor.dtype not in CONSTANT_TYPES.get(role, INTEGERS):
            reasons.append(Reason(f"{tensor.dtype} {role}", FROM_FLOAT))
        elif tensor.data is None:
            reasons.append(f"{role} that are computed, not constant")
    return reasons


def _refused(graph: Graph, operator: Operator) -> list[str]:
    """What the kind itself has to say."""
    refused = KINDS[operator.kind].refused
    reason = refused(graph, operator) if refused else None
    return [reason] if reason else []


def _graph_reasons(graph: Graph) -> list[str]:
    reasons: list[str] = []
    for role, indices in (("inputs", graph.inputs), ("outputs", graph.outputs)):
        if not indices or (role == "outputs" and len(indices) != 1):
            reasons.append(other_ends(graph, role, indices))
        reasons += [
            Reason(
                f"{role[:-1]} with a batch other than one, {list(graph.tensors[i].shape)}", FIXED
            )
            for i in indices if graph.tensors[i].shape and _other_batch(graph.tensors[i])
        ]
    reasons += unread_inputs(graph)
    computed = {index for operator in graph.operators for index in operator.outputs}
    for tensor in (graph.tensors[i] for i in graph.outputs if i not in computed):
        what = "is a constant" if tensor.data is not None else "is made by no operator"
        reasons.append(f"the output {quoted(tensor.name)} {what}")
    return reasons


def unread_inputs(graph: Graph) -> list[str]:
    """Of several inputs those that nothing reads: nothing tells what they should be."""
    read = {index for operator in graph.operators for index in operator.inputs}
    named = zip(graph.inputs, graph.input_names)
    unread = [name for i, name in named if i not in read] if len(graph.inputs) > 1 else []
    return [
        Reason(f"no operator reads the input {quoted(name)}", f"Give it a value: --input {name}=0.")
        for name in unread
    ]


def other_ends(graph: Graph, role: str, indices: tuple[int, ...]) -> Reason:
    """That there are more or fewer "inputs" or "outputs" than one, with their names."""
    names = ", ".join(quoted(graph.tensors[i].name) for i in indices[:8])
    return Reason(f"the graph has {len(indices)} {role} instead of one: {names}", ENDS)


def _bridge(graph: Graph, operator: Operator) -> str | None:
    """Why a QUANTIZE or DEQUANTIZE cannot run; from int8 to int8 it can."""
    ends = [*operator.inputs[:1], *operator.outputs[:1]]
    types = [graph.tensors[i].dtype for i in ends if i >= 0]
    if types == ["int8", "int8"]:
        return None
    if set(types) & set(FLOATS):
        return f"{' to '.join(types)}: float in the midst of an int8 model"
    return f"{' to '.join(types)}: another number type in the midst of an int8 model"


def _activations(graph: Graph, operator: Operator) -> list[tuple[str, Tensor]]:
    """Operands and outputs, as far as they exist."""
    pairs = [("input", i) for i in operator.operands]
    pairs += [("output", i) for i in operator.outputs]
    return [(role, graph.tensors[i]) for role, i in pairs if i >= 0]


def _weight_types(graph: Graph, operators: list[Operator]) -> set[str]:
    """Types of the operators' weights; of the constant behind, where a DEQUANTIZE makes them."""
    source = {
        o.outputs[0]: o.inputs[0]
        for o in graph.operators
        if o.kind == "DEQUANTIZE" and o.inputs[:1] != (-1,) and o.inputs
    }
    places = [o.inputs[1] for o in operators if o.kind in WEIGHTED and len(o.inputs) > 1]
    return {graph.tensors[source.get(i, i)].dtype for i in places if i >= 0}


def _output(graph: Graph, operator: Operator) -> Tensor:
    return graph.tensors[operator.outputs[0]]
