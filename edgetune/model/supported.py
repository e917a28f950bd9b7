"""What edgetune does not run, named: float models, hybrid models, and single operators."""

from __future__ import annotations

from edgetune.errors import ModelError
from edgetune.model.decode import quoted
from edgetune.model.graph import WEIGHTED, Graph, Operator, Tensor

OPERANDS = {  # least and most inputs
    "CONV_2D": (2, 3),
    "DEPTHWISE_CONV_2D": (2, 3),
    "FULLY_CONNECTED": (2, 3),
    "MAX_POOL_2D": (1, 1),
    "AVERAGE_POOL_2D": (1, 1),
    "MEAN": (2, 2),
    "PAD": (2, 2),
    "RESHAPE": (1, 2),
    "SOFTMAX": (1, 1),
}
SPATIAL = ("CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D", "MEAN", "PAD")
ACTIVATIONS = ("NONE", "RELU", "RELU6")
BRIDGES = ("QUANTIZE", "DEQUANTIZE")
FLOATS = ("float16", "float32", "float64")
QUANTISE = (
    "Quantise it to int8 with the converter it came from (full-integer post-training "
    "quantisation, inputs and outputs included). TensorFlow's TFLiteConverter takes "
    "optimizations=[tf.lite.Optimize.DEFAULT], representative_dataset=<some of your samples>, "
    "target_spec.supported_ops=[tf.lite.OpsSet.TFLITE_BUILTINS_INT8], "
    "inference_input_type=tf.int8 and inference_output_type=tf.int8."
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
            "Go back to the float model. " + QUANTISE,
        )
    if floating and len(floating) == len(operators):
        held = "/".join(sorted(weights)) or "float32"
        raise ModelError(
            f"This is a float model: it holds {held} weights and float32 activations.",
            "The engine computes in integers only.",
            QUANTISE,
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
    if operator.kind in BRIDGES:
        return [_bridge(graph, operator)]
    if operator.kind not in OPERANDS:
        return ["this kind of operator is not supported"]
    least, most = OPERANDS[operator.kind]
    if not least <= len(operator.inputs) <= most or len(operator.outputs) != 1:
        return [f"{len(operator.inputs)} inputs and {len(operator.outputs)} outputs"]
    if -1 in operator.inputs[:least]:
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
        elif tensor.shape[:1] != (1,):
            reasons.append(f"{role} with a batch other than one, {list(tensor.shape)}")
        elif operator.kind in SPATIAL and role == "input" and len(tensor.shape) != 4:
            reasons.append(f"input of {len(tensor.shape)} dimensions instead of 4")
    return reasons


def _options(operator) -> list[str]:
    options = operator.options
    reasons = []
    activation = options.get("fused_activation_function", "NONE")
    if activation not in ACTIVATIONS:
        reasons.append(f"fused activation {activation}")
    dilation = options.get("dilation_h_factor", 1), options.get("dilation_w_factor", 1)
    if dilation != (1, 1):
        reasons.append(f"dilation {dilation[0]}x{dilation[1]}")
    if options.get("weights_format", 0) != 0:
        reasons.append("shuffled weights")
    return reasons


def _constants(graph, operator) -> list[str]:
    """The operands after the first are constants of the types the engine knows."""
    wanted = {1: ("weights", ("int8",)), 2: ("bias", ("int32",))}
    if operator.kind not in WEIGHTED:
        wanted = {1: (CONSTANT_NAMES.get(operator.kind, ""), ("int32", "int64"))}
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


CONSTANT_NAMES = {"MEAN": "axes", "PAD": "paddings", "RESHAPE": "shape values"}


def _constant_values(graph, operator) -> list[str]:
    tensor = graph.tensors[operator.inputs[0]]
    if operator.kind == "MEAN":
        axes = graph.tensors[operator.inputs[1]].data.reshape(-1)
        if sorted(int(a) % 4 for a in axes) != [1, 2]:
            return [f"mean over the axes {[int(a) for a in axes[:8]]} instead of [1, 2]"]
    if operator.kind == "PAD":
        paddings = graph.tensors[operator.inputs[1]].data
        if paddings.shape == (4, 2) and paddings[[0, 3]].any():
            return ["padding of the batch or of channels"]
    if operator.kind == "CONV_2D" and len(tensor.shape) == 4:
        weights = graph.tensors[operator.inputs[1]]
        if len(weights.shape) == 4 and weights.shape[3] < tensor.shape[3]:
            return ["grouped convolution"]
    return []


def _place(graph, operator) -> list[str]:
    """Operators form a chain, in the order of the file, and a softmax ends it."""
    last = operator.index == len(graph.operators) - 1
    if operator.kind == "SOFTMAX" and not last:
        return ["a softmax before the end"]
    before = graph.operators[operator.index - 1].outputs if operator.index else graph.inputs
    if operator.inputs[0] not in before:
        return ["a branch: its input is not the output of the operator before"]
    return []


def _graph_reasons(graph: Graph) -> list[str]:
    reasons = []
    for role, indices in (("inputs", graph.inputs), ("outputs", graph.outputs)):
        if len(indices) != 1:
            reasons.append(f"the graph has {len(indices)} {role} instead of one")
    if graph.outputs[:1] != graph.operators[-1].outputs[:1]:
        reasons.append("the graph's output is not that of its last operator")
    return reasons


def _bridge(graph, operator) -> str:
    types = [t.dtype for _, t in _activations(graph, operator)]
    if set(types) & set(FLOATS):
        return (
            f"{' to '.join(types)}: float inputs or outputs around an int8 model; "
            "convert it with int8 inputs and outputs"
        )
    return f"{' to '.join(types)}: a change of scale on its own"


def _activations(graph, operator) -> list[tuple[str, Tensor]]:
    """First input and first output, as far as they exist."""
    pairs = [("input", operator.inputs[:1]), ("output", operator.outputs[:1])]
    return [(role, graph.tensors[i[0]]) for role, i in pairs if i and i[0] >= 0]


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
