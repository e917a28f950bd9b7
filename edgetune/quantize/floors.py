"""The least scales with which TFLite's kernels run a file: an untrained network may have less.

What is always zero, or nearly, would get a scale of next to nothing.  Each floor is what a kernel
of TFLite 2.14 needs, with a factor of two to spare.  What an operator puts out is raised for the
sake of its factor only where it is always zero: elsewhere its values would be lost, and a refusal
is the truth.
"""

from __future__ import annotations

import math

import numpy as np

from edgetune.model.graph import Graph, Operator, Quantization
from edgetune.model.kinds import KINDS, WEIGHTED
from edgetune.model.scales import Factor
from edgetune.quantize.ranges import quantization

LEAST = 2.0**-27  # RELU6: 6 / scale is an int32
LEAST_LOGIT = 2.0**-25  # of a softmax: beta * scale * 2**26 is more than one, or the kernel aborts
LARGEST_SUM = 2.0**29  # of a layer's products, in steps of its output: TFLite shifts in 32 bits
SPARE = 2.0


def raise_scales(graph: Graph, scales: dict[int, Quantization], groups: list[set[int]]) -> None:
    """Raises scales, in place, to what TFLite demands; zero points stay.

    Args:
        scales: of every activation, by tensor index.
        groups: tensors that share a scale.
    """
    group_of = {index: group for group in groups for index in group}

    def raise_to(index: int, least: float) -> None:
        if _scale(scales, index) < least:
            q = quantization(float(np.float32(least)), int(scales[index].zero_point[0]))
            scales.update(dict.fromkeys(group_of[index], q))

    zero = {index for index in scales if _scale(scales, index) < LEAST}
    for index in zero:
        raise_to(index, LEAST)
    for op in graph.operators:
        raise_to(op.inputs[0], _least_input(op))
    for op in (op for op in graph.operators if op.outputs[0] in zero):
        raise_to(op.outputs[0], _least_output(graph, op, scales))


def _scale(scales: dict[int, Quantization], index: int) -> float:
    return float(scales[index].scale[0]) if index in scales else math.inf


def _least_input(op: Operator) -> float:
    if op.kind in ("SOFTMAX", "LOG_SOFTMAX"):
        return SPARE * LEAST_LOGIT / op.options.get("beta", 1.0)
    rule = KINDS[op.kind].scaling
    return SPARE * rule.inputs[0] if isinstance(rule, Factor) else 0.0


def _least_output(graph: Graph, op: Operator, scales: dict[int, Quantization]) -> float:
    """So that neither the operator's factor nor a layer's sum is too large for its kernel."""
    if op.kind in WEIGHTED:
        return _reach(graph, op, _scale(scales, op.inputs[0])) / LARGEST_SUM
    rule = KINDS[op.kind].scaling
    known = [_scale(scales, i) for i in op.operands]
    if not isinstance(rule, Factor) or math.inf in known:
        return 0.0
    return SPARE * rule.of(graph, op, known, 1.0) / rule.high


def _reach(graph: Graph, op: Operator, scale: float) -> float:
    """The largest real sum of a layer's products and bias for any int8 input."""
    weights = np.abs(graph.tensors[op.inputs[1]].data.astype(np.float64))
    axis = 3 if op.kind == "DEPTHWISE_CONV_2D" else 0
    reach = 255 * scale * weights.sum(axis=tuple(i for i in range(weights.ndim) if i != axis))
    if len(op.inputs) > 2 and op.inputs[2] >= 0:
        reach = reach + np.abs(graph.tensors[op.inputs[2]].data)
    return float(reach.max())
