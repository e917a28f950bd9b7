"""Bias correction: the mean error that rounding leaves in a layer's output, taken back.

Source: Nagel, van Baalen, Blankevoort, Welling, *Data-Free Quantization Through Weight
Equalization and Bias Correction*, arXiv 1906.04721, with means measured on samples.
"""

from __future__ import annotations

import numpy as np

from edgetune.floats.engine import FloatEngine
from edgetune.floats.operators import evaluate
from edgetune.model.graph import Graph, Operator, Quantization
from edgetune.model.kinds import WEIGHTED
from edgetune.quantize.lowering import float_weights, rounded
from edgetune.quantize.weights import QuantizedWeights, quantize_weights

BATCH = 16


def correct_biases(
    graph: Graph,
    scales: dict[int, Quantization],
    layers: dict[int, QuantizedWeights],
    samples: np.ndarray,
) -> dict[int, QuantizedWeights]:
    """Layers whose biases make each layer's mean output, channel by channel, that of float.

    Each layer is corrected for its own weights and its own input's rounding.

    Args:
        samples: inputs, float32 [n, ...].
    """
    errors = {op.index: 0.0 for op in graph.operators if op.kind in WEIGHTED}
    engine = FloatEngine(graph)
    for at in range(0, len(samples), BATCH):
        values = engine.activations(samples[at : at + BATCH])
        for op in graph.operators:
            if op.kind in WEIGHTED:
                errors[op.index] += _error(graph, op, values, scales, layers[op.index])
    return {
        op.index: _corrected(graph, op, scales, errors[op.index] / len(samples))
        for op in graph.operators
        if op.kind in WEIGHTED
    }


def _error(graph: Graph, op: Operator, values: dict, scales: dict, layer) -> np.ndarray:
    """Mean over space, sum over samples, of quantised minus float output before activation."""
    linear = Operator(op.index, op.kind, op.inputs, op.outputs,
                      dict(op.options, fused_activation_function="NONE"))
    x = values[op.inputs[0]]
    shape = (len(x), *graph.tensors[op.outputs[0]].shape[1:])
    float_output = evaluate(linear, [x, *float_weights(graph, op)], shape)
    quantised = [rounded(x, scales[op.inputs[0]]), layer.real_weights, layer.real_bias]
    difference = evaluate(linear, quantised, shape) - float_output
    return difference.reshape(len(x), -1, shape[-1]).mean(axis=1, dtype=np.float64).sum(axis=0)


def _corrected(graph: Graph, op: Operator, scales: dict, error: np.ndarray) -> QuantizedWeights:
    weights, bias = float_weights(graph, op)
    source, result = (float(scales[i].scale[0]) for i in (op.inputs[0], op.outputs[0]))
    return quantize_weights(op.kind, weights, bias - error, source, result)
