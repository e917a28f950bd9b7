"""What edgetune does not run, named: float models, hybrid models, and single operators."""

from __future__ import annotations

from edgetune.errors import ModelError
from edgetune.model.decode import MAX_RANK, quoted
from edgetune.model.graph import JOINING, WEIGHTED, Graph, Operator, Tensor
from edgetune.model.shapes import transposition

MOST_JOINED = 256  # operands of a CONCATENATION
OPERANDS = {  # least and most inputs
    "CONV_2D": (2, 3),
    "DEPTHWISE_CONV_2D": (2, 3),
    "FULLY_CONNECTED": (2, 3),
    "MAX_POOL_2D": (1, 1),
    "AVERAGE_POOL_2D": (1, 1),
    "MEAN": (2, 2),
    "PAD": (2, 2),
    "ADD": (2, 2),
    "SUB": (2, 2),
    "MUL": (2, 2),
    "CONCATENATION": (1, MOST_JOINED),
    "RELU": (1, 1),
    "RELU6": (1, 1),
    "LEAKY_RELU": (1, 1),
    "LOGISTIC": (1, 1),
    "TANH": (1, 1),
    "HARD_SWISH": (1, 1),
    "QUANTIZE": (1, 1),
    "RESHAPE": (1, 2),
    "SQUEEZE": (1, 1),
    "EXPAND_DIMS": (2, 2),
    "TRANSPOSE": (2, 2),
    "STRIDED_SLICE": (4, 4),
    "SOFTMAX": (1, 1),
}
RANKS = {
    "CONV_2D": (4,), "DEPTHWISE_CONV_2D": (4,), "MAX_POOL_2D": (4,), "AVERAGE_POOL_2D": (4,),
    "MEAN": (3, 4), "PAD": (4,), "STRIDED_SLICE": (2, 3, 4),
}
ANY_RANK = range(MAX_RANK + 1)
ACTIVATIONS = ("NONE", "RELU", "RELU6")
BRIDGES = ("QUANTIZE", "DEQUANTIZE")
FLOATS = ("float16", "float32", "float64")
CONVERT = (
    "Convert it to int8: edgetune convert MODEL -o INT8.tflite --data SAMPLES; "
    "edgetune tune does so by itself."
)


def refuse_float(graph: Graph) -> None:
    """Raises ModelError for a float model and for a hybrid one, by that name."""
    operators = [o for o in graph.operators if o.kind not in BRIDGES]
    floating = [o for o in operators if _output(graph, o).dtype in FLOATS]
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
    lines = [
        f"operator {o.index} {o.kind} (output {quoted(_output(graph, o).name)}): "
        + "; ".join(reasons)
        for o in graph.operators
        if (reasons := unsupported(graph, o))
    ]
    lines += _graph_reasons(graph)
    if lines:
        raise ModelError(
            f"edgetune cannot run {len(lines)} part{'s' * (len(lines) > 1)} of this model.",
            "\n".join(lines),
            "Replace these layers, or convert again with other options. Operators that run: "
            + ", ".join(OPERANDS) + ".",
        )


def unsupported(graph: Graph, operator: Operator) -> list[str]:
    """Reasons why ``operator`` cannot run; empty if it can."""
    if operator.kind in BRIDGES and (reason := _bridge(graph, operator)):
        return [reason]
    if operator.kind not in OPERANDS:
        return ["this kind of operator is not supported"]
    least, most = OPERANDS[operator.kind]
    if not least <= len(operator.inputs) <= most or len(operator.outputs) != 1:
        return [f"{len(operator.inputs)} inputs and {len(operator.outputs)} outputs"]
    if -1 in operator.inputs[:least] or -1 in operator.operands:
        return ["a needed input is absent"]
    return [
        *_types(graph, operator),
        *_options(operator),
        *_constants(graph, operator),
        *_place(graph, operator),
    ]


def _types(graph, operator) -> list[str]:
    reasons = []
    for role, tensor in _activations(graph, operator):
        if tensor.dtype != "int8":
            reasons.append(f"{tensor.dtype} {role}")
        elif min(tensor.shape, default=1) < 1:
            reasons.append(f"{role} of the dynamic or empty shape {list(tensor.shape)}")
        elif tensor.data is None and tensor.shape[:1] != (1,):
            reasons.append(f"{role} with a batch other than one, {list(tensor.shape)}")
        elif role == "input" and len(tensor.shape) not in RANKS.get(operator.kind, ANY_RANK):
            wanted = " or ".join(map(str, RANKS[operator.kind]))
            reasons.append(f"input of {len(tensor.shape)} dimensions instead of {wanted}")
    if all(graph.tensors[i].data is not None for i in operator.operands):
        reasons.append("it reads nothing but constants")
    return reasons


def _options(operator) -> list[str]:
    options = operator.options
    reasons = []
    activation = options.get("fused_activation_function", "NONE")
    if activation not in ACTIVATIONS:
        reasons.append(f"fused activation {activation}")
    if operator.kind == "CONCATENATION" and activation != "NONE":
        reasons.append("fused activation of a concatenation")
    if operator.kind == "STRIDED_SLICE" and _changes_rank(options):
        reasons.append("a slice that adds or drops dimensions")
    if options.get("weights_format", 0) != 0:
        reasons.append("shuffled weights")
    return reasons


def _changes_rank(options: dict) -> bool:
    return any(options[f"{name}_mask"] for name in ("ellipsis", "new_axis", "shrink_axis"))


def _constants(graph, operator) -> list[str]:
    """The operands after the first are constants of the types the engine knows."""
    if operator.kind in JOINING:
        return []
    wanted = {1: ("weights", ("int8",)), 2: ("bias", ("int32",))}
    if operator.kind not in WEIGHTED:
        names = CONSTANT_NAMES.get(operator.kind, ())
        wanted = {i: (name, ("int32", "int64")) for i, name in enumerate(names, start=1)}
    reasons = []
    for place, index in enumerate(operator.inputs[1:], start=1):
        role, dtypes = wanted[place]
        if index == -1:
            continue
        tensor = graph.tensors[index]
        if tensor.dtype not in dtypes:
            reasons.append(f"{tensor.dtype} {role}")
        elif tensor.data is None:
            reasons.append(f"{role} that are computed, not constant")
    return reasons or _constant_values(graph, operator)


CONSTANT_NAMES = {
    "MEAN": ("axes",), "PAD": ("paddings",), "RESHAPE": ("shape values",),
    "EXPAND_DIMS": ("axis",), "TRANSPOSE": ("order",),
    "STRIDED_SLICE": ("begins", "ends", "strides"),
}


def _constant_values(graph, operator) -> list[str]:
    check = CONSTANT_CHECKS.get(operator.kind)
    reason = check(graph, operator) if check else None
    return [reason] if reason else []


def _mean_reason(graph, operator) -> str | None:
    rank = len(graph.tensors[operator.inputs[0]].shape)
    axes = graph.tensors[operator.inputs[1]].data.reshape(-1)
    wanted = list(range(1, rank - 1))
    if sorted(int(a) % max(1, rank) for a in axes) != wanted:
        return f"mean over the axes {[int(a) for a in axes[:8]]} instead of {wanted}"
    return None


def _pad_reason(graph, operator) -> str | None:
    paddings = graph.tensors[operator.inputs[1]].data
    if paddings.shape == (4, 2) and paddings[[0, 3]].any():
        return "padding of the batch or of channels"
    return None


def _conv_reason(graph, operator) -> str | None:
    shape = graph.tensors[operator.inputs[0]].shape
    weights = graph.tensors[operator.inputs[1]].shape
    if len(shape) == len(weights) == 4 and weights[3] < shape[3]:
        return "grouped convolution"
    return None


def _dense_reason(graph, operator) -> str | None:
    size = graph.tensors[operator.inputs[0]].size
    weights = graph.tensors[operator.inputs[1]].shape
    if len(weights) == 2 and weights[1] and size > weights[1] and size % weights[1] == 0:
        return f"a dense layer over {size // weights[1]} vectors at once"
    return None


def _transpose_reason(graph, operator) -> str | None:
    shape = graph.tensors[operator.inputs[0]].shape
    order = transposition(graph, operator)
    moved = [axis for axis in order if axis < len(shape) and shape[axis] > 1]
    if moved != sorted(moved):
        return f"a transposition that moves data, {order} of {list(shape)}"
    return None


def _slice_reason(graph, operator) -> str | None:
    strides = graph.tensors[operator.inputs[3]].data.reshape(-1).tolist()
    if any(stride != 1 for stride in strides):
        return f"a slice with the strides {strides[:8]}"
    return None


CONSTANT_CHECKS = {
    "MEAN": _mean_reason, "PAD": _pad_reason, "CONV_2D": _conv_reason,
    "FULLY_CONNECTED": _dense_reason, "TRANSPOSE": _transpose_reason,
    "STRIDED_SLICE": _slice_reason,
}


def _place(graph, operator) -> list[str]:
    """A softmax ends the model; the two operands of an arithmetic operator fit each other."""
    if operator.kind == "SOFTMAX" and operator is not graph.operators[-1]:
        return ["a softmax before the end"]
    if operator.kind in ("ADD", "SUB", "MUL") and not _repeats(graph, operator):
        shapes = " and ".join(str(list(graph.tensors[i].shape)) for i in operator.operands)
        return [f"operands of the shapes {shapes}"]
    return []


def _repeats(graph, operator) -> bool:
    """Whether one operand is the other's shape, or its last dimensions: repeated, it fits."""
    small, large = sorted((_bare(graph.tensors[i].shape) for i in operator.operands), key=len)
    return large[len(large) - len(small) :] == small


def _bare(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without leading dimensions of one."""
    first = next((i for i, size in enumerate(shape) if size != 1), len(shape))
    return shape[first:]


def _graph_reasons(graph: Graph) -> list[str]:
    reasons = []
    for role, indices in (("inputs", graph.inputs), ("outputs", graph.outputs)):
        if len(indices) != 1:
            reasons.append(f"the graph has {len(indices)} {role} instead of one")
    computed = {index for operator in graph.operators for index in operator.outputs}
    if not set(graph.outputs) <= computed:
        reasons.append("no operator makes the graph's output")
    return reasons


def _bridge(graph, operator) -> str | None:
    """Why a QUANTIZE or DEQUANTIZE cannot run; from int8 to int8 it can."""
    ends = [*operator.inputs[:1], *operator.outputs[:1]]
    types = [graph.tensors[i].dtype for i in ends if i >= 0]
    if types == ["int8", "int8"]:
        return None
    if set(types) & set(FLOATS):
        return f"{' to '.join(types)}: float in the midst of an int8 model"
    return f"{' to '.join(types)}: another number type in the midst of an int8 model"


def _activations(graph, operator) -> list[tuple[str, Tensor]]:
    """Operands and the first output, as far as they exist."""
    pairs = [("input", i) for i in operator.operands]
    pairs += [("output", i) for i in operator.outputs[:1]]
    return [(role, graph.tensors[i]) for role, i in pairs if i >= 0]


def _weight_types(graph, operators) -> set[str]:
    """Types of the operators' weights; of the constant behind, where a DEQUANTIZE makes them."""
    source = {
        o.outputs[0]: o.inputs[0]
        for o in graph.operators
        if o.kind == "DEQUANTIZE" and o.inputs[:1] != (-1,) and o.inputs
    }
    places = [o.inputs[1] for o in operators if o.kind in WEIGHTED and len(o.inputs) > 1]
    return {graph.tensors[source.get(i, i)].dtype for i in places if i >= 0}


def _output(graph, operator) -> Tensor:
    return graph.tensors[operator.outputs[0]]
