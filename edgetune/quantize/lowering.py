"""The int8 Graph: a canonical float Graph with its scales."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgetune.model.graph import Graph, Operator, Quantization
from edgetune.model.kinds import JOINING, WEIGHTED
from edgetune.model.rewrite import Rewriter
from edgetune.quantize.scales import constant_scale
from edgetune.quantize.weights import QuantizedWeights, quantize_weights


def quantize_layers(
    graph: Graph, scales: dict[int, Quantization]
) -> dict[int, QuantizedWeights]:
    """The weights and biases of every layer that has them, by operator index."""
    return {
        op.index: quantize_weights(op.kind, *float_weights(graph, op), *_scales(scales, op))
        for op in graph.operators
        if op.kind in WEIGHTED
    }


def float_weights(graph: Graph, op: Operator) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias of a layer; zeros where it has no bias."""
    weights = graph.tensors[op.inputs[1]].data
    channels = weights.shape[3] if op.kind == "DEPTHWISE_CONV_2D" else len(weights)
    bias = op.inputs[2] if len(op.inputs) > 2 else -1
    return weights, graph.tensors[bias].data if bias >= 0 else np.zeros(channels, np.float32)


def _scales(scales: dict[int, Quantization], op: Operator) -> tuple[float, float]:
    return tuple(float(scales[i].scale[0]) for i in (op.inputs[0], op.outputs[0]))


def lower_to_int8(
    graph: Graph, scales: dict[int, Quantization], layers: dict[int, QuantizedWeights]
) -> Graph:
    """The int8 Graph in TFLite's terms; tensors keep their names."""
    rewriter = Rewriter(graph)
    for op in rewriter.operators:
        name = rewriter.tensors[op.outputs[0]].name
        if op.kind in WEIGHTED:
            _put_weights(rewriter, op, layers[op.index], f"{name}/bias")
        elif op.kind == "RESHAPE":
            shape = np.array(rewriter.shape(op.outputs[0]), np.int32)
            op.inputs = (op.inputs[0], rewriter.constant(f"{name}/shape", shape))
        elif op.kind in JOINING:
            _put_operands(rewriter, op, scales)
    for index, q in scales.items():
        tensor = rewriter.tensors[index]
        if tensor.data is None:
            tensor.dtype, tensor.quantization = "int8", q
    return rewriter.graph()


def _put_weights(rewriter: Rewriter, op: Operator, layer: QuantizedWeights, bias_name: str):
    if len(op.inputs) > 2 and op.inputs[2] >= 0:
        bias_name = rewriter.tensors[op.inputs[2]].name
    weights = _quantized(rewriter, rewriter.tensors[op.inputs[1]].name, layer.weights,
                         layer.weights_scale)
    bias = _quantized(rewriter, bias_name, layer.bias, layer.bias_scale)
    op.inputs = (op.inputs[0], weights, bias)


def _put_operands(rewriter: Rewriter, op: Operator, scales: dict[int, Quantization]) -> None:
    """Constant operands of an element-wise operator, as int8."""
    inputs = list(op.inputs)
    for place, index in enumerate(op.inputs):
        tensor = rewriter.tensors[index]
        if tensor.data is not None:
            q = scales.get(index) or constant_scale(tensor.data)
            values = to_int8(_repeated(rewriter, op, tensor.data), q)
            inputs[place] = _quantized(rewriter, tensor.name, values, q)
    op.inputs = tuple(inputs)


def _repeated(rewriter: Rewriter, op: Operator, values: np.ndarray) -> np.ndarray:
    """An operand that kernels may repeat as a whole: one value, or the other's last dimensions."""
    shape, kept = rewriter.shape(op.outputs[0]), values
    while kept.ndim and len(kept) == 1:
        kept = kept[0]
    if op.kind == "CONCATENATION" or kept.shape == shape[len(shape) - kept.ndim :]:
        return values
    return np.broadcast_to(values, shape)


def _quantized(rewriter: Rewriter, name: str, values: np.ndarray, q: Quantization) -> int:
    index = rewriter.constant(name, values)
    rewriter.tensors[index] = replace(rewriter.tensors[index], quantization=q)
    return index


def to_int8(values: np.ndarray, q: Quantization) -> np.ndarray:
    """Real values on an int8 tensor's grid; halves go to even."""
    return np.clip(np.rint(values / q.scale[0]) + q.zero_point[0], -128, 127).astype(np.int8)


def rounded(values: np.ndarray, q: Quantization) -> np.ndarray:
    """Real values moved to the grid of an int8 tensor, float32."""
    scale, zero_point = np.float32(q.scale[0]), np.float32(q.zero_point[0])
    steps = np.clip(np.rint(values / scale), -128 - zero_point, 127 - zero_point)
    return (steps * scale).astype(np.float32, copy=False)
