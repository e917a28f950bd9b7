"""What a model consists of, as plain data for a report."""

from __future__ import annotations

import math

from edgetune.model.graph import Graph, Operator, Tensor
from edgetune.model.kinds import WEIGHTED


def describe(graph: Graph) -> dict:
    """A graph, int8 or float, as JSON-able data; a float one has no scales (None).

    Returns:
        ``sha256``, ``file_bytes``, ``inputs``, ``input`` (the first of them) and ``output`` (name,
        shape, scale, zero_point),
        ``operators`` (see ``describe_operator``) and ``totals``: operators, trainable (number
        of operators), weights, biases, macs (multiply-accumulates of one forward pass).
    """
    operators = [describe_operator(graph, o) for o in graph.operators]
    inputs = [_describe_tensor(t) for t in graph.input.parts or (graph.input,)]
    totals = {k: sum(o[k] for o in operators) for k in ("trainable", "weights", "biases", "macs")}
    return {
        "sha256": graph.sha256,
        "file_bytes": len(graph.content),
        "inputs": inputs,
        "input": dict(inputs[0]),
        "output": _describe_tensor(graph.output),
        "operators": operators,
        "totals": {"operators": len(operators), **totals},
    }


def describe_operator(graph: Graph, operator: Operator) -> dict:
    """One operator: shapes are lists, counts are elements.

    ``weight_scales`` is "per channel", "per tensor" or None without weights; ``trainable`` is
    True for the kinds that hold weights.
    """
    output = graph.tensors[operator.outputs[0]]
    weights = _operand(graph, operator, 1)
    bias = _operand(graph, operator, 2)
    return {
        "index": operator.index,
        "kind": operator.kind,
        "output_name": output.name,
        "input_shape": list(graph.tensors[operator.operands[0]].shape),
        "output_shape": list(output.shape),
        "weight_shape": list(weights.shape) if weights else None,
        "activation": operator.options.get("fused_activation_function", "NONE"),
        "weights": weights.size if weights else 0,
        "biases": bias.size if bias else 0,
        "weight_scales": _scale_kind(weights),
        "output_scale": _scale(output),
        "output_zero_point": _zero_point(output),
        "macs": macs(graph, operator),
        "trainable": weights is not None,
    }


def macs(graph: Graph, operator: Operator) -> int:
    """Multiply-accumulates of one forward pass, padding counted; 0 without weights."""
    weights = _operand(graph, operator, 1)
    if weights is None:
        return 0
    output = graph.tensors[operator.outputs[0]]
    if operator.kind == "DEPTHWISE_CONV_2D":
        return output.size * math.prod(weights.shape[1:3])
    return output.size * math.prod(weights.shape[1:])


def _operand(graph: Graph, operator: Operator, place: int) -> Tensor | None:
    """Weights (1) or bias (2), if the operator has them."""
    if operator.kind not in WEIGHTED or len(operator.inputs) <= place:
        return None
    index = operator.inputs[place]
    return graph.tensors[index] if index >= 0 else None


def _scale_kind(weights: Tensor | None) -> str | None:
    if weights is None or weights.quantization is None:
        return None
    return "per channel" if weights.quantization.per_channel else "per tensor"


def _describe_tensor(tensor: Tensor) -> dict:
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "scale": _scale(tensor),
        "zero_point": _zero_point(tensor),
    }


def _scale(tensor: Tensor) -> float | None:
    return None if tensor.quantization is None else float(tensor.quantization.scale[0])


def _zero_point(tensor: Tensor) -> int | None:
    return None if tensor.quantization is None else int(tensor.quantization.zero_point[0])
