"""Whether a graph agrees with itself: order, shapes, scales and zero points.

After these checks the lowering may trust every number of the graph.
"""

from __future__ import annotations

import math

import numpy as np

from edgetune.errors import ModelError
from edgetune.model.decode import corrupt, quoted
from edgetune.model.faults import MAX_WINDOW
from edgetune.model.foreign import refuse_empty
from edgetune.model.graph import Graph, Operator, Quantization, Tensor
from edgetune.model.kinds import BRIDGES, KINDS
from edgetune.model.scales import Factor, Fixed, Same
from edgetune.model.size import too_large

MAX_ELEMENTS = 1 << 22  # of an activation; more than any Cortex-M's memory
LEAST_OF_SIX = 2.0**-28  # an output scale with which 6 is an int32, as TFLite demands
BIAS_SCALE_TOLERANCE = 0.02  # in units of the output scale, as TFLite has it


def check_order(graph: Graph) -> None:
    """Every index exists, and every input is there before it is used.

    Raises:
        ModelError: an index out of range, a tensor produced twice, an operator that uses what
            a later one produces (or itself), no operators at all.
    """
    refuse_empty(graph.operators)
    ready = {t.index for t in graph.tensors if t.data is not None}
    for index in graph.inputs:
        _check_produced(graph, index, ready, "The graph")
        ready.add(index)
    for operator in graph.operators:
        who = f"Operator {operator.index} {operator.kind}"
        _check_inputs(graph, operator, ready, who)
        if not operator.outputs and _is_known(operator):
            raise corrupt(f"{who} has no output.")
        for index in operator.outputs:
            _check_produced(graph, index, ready, who)
            ready.add(index)
    if not graph.inputs or not graph.outputs or not set(graph.outputs) <= ready:
        raise corrupt("The graph's inputs or outputs are missing or never produced.")


def _check_inputs(graph: Graph, operator: Operator, ready: set[int], who: str) -> None:
    for index in operator.inputs:
        if not -1 <= index < len(graph.tensors):
            raise corrupt(f"{who} reads tensor {index}; there are {len(graph.tensors)}.")
        if index in ready or index == -1 or not _is_known(operator):
            continue
        if not _opaque(graph.tensors[index]):
            raise corrupt(f"{who} reads tensor {index} before any operator produces it.")


def _check_produced(graph: Graph, index: int, ready: set[int], who: str) -> None:
    if not 0 <= index < len(graph.tensors):
        raise corrupt(f"{who} produces tensor {index}; there are {len(graph.tensors)}.")
    if index in ready:
        raise corrupt(f"{who} produces tensor {index}, which is there already.")


def _is_known(operator: Operator) -> bool:
    """Others may read scratch memory and have no output; they are refused by name later."""
    return operator.kind in KINDS or operator.kind in BRIDGES


def _opaque(tensor: Tensor) -> bool:
    """A type whose constants are not read (strings, int4, ...), an empty constant, or a state."""
    return tensor.variable or tensor.buffer != 0 and (
        tensor.dtype not in ("int8", "int32", "float32") or 0 in tensor.shape
    )


def check_operator(graph: Graph, operator: Operator) -> None:
    """Operands, options, shapes and scales of one supported operator.

    Raises:
        ModelError: naming the operator and what does not agree.
    """
    kind = KINDS[operator.kind]
    _check_options(operator)
    for index in (*operator.operands, *operator.outputs):
        _check_activation(graph.tensors[index])
    if kind.wrong and (cause := kind.wrong(graph, operator)):
        raise _wrong(operator, cause)
    if kind.channel_axis is not None:
        _check_weights(graph, operator, kind.channel_axis)
    _check_output(graph, operator)
    _check_scales(graph, operator)


def _wrong(operator: Operator, cause: str) -> ModelError:
    return corrupt(f"Operator {operator.index} {operator.kind}: {cause}.")


def _check_options(operator: Operator) -> None:
    for name in ("stride_h", "stride_w", "filter_height", "filter_width"):
        if not 1 <= operator.options.get(name, 1) <= MAX_WINDOW:
            raise _wrong(operator, f"{name} is {operator.options[name]}")
    if operator.options.get("padding", "SAME") not in ("SAME", "VALID"):
        raise _wrong(operator, f"unknown {operator.options['padding']}")
    if not math.isfinite(operator.options.get("alpha", 0.0)):
        raise _wrong(operator, f"alpha is {operator.options['alpha']}")
    for name in ("dilation_h_factor", "dilation_w_factor"):
        if not 1 <= operator.options.get(name, 1) <= MAX_WINDOW:
            raise _wrong(operator, f"{name} is {operator.options[name]}")
    beta = operator.options.get("beta", 1.0)
    if not 0 < beta <= 1e6:
        raise _wrong(operator, f"beta is {beta}")


def _check_activation(tensor: Tensor) -> None:
    name = quoted(tensor.name)
    if tensor.size > MAX_ELEMENTS:
        raise too_large(
            f"Tensor {name} has {tensor.size} values; edgetune takes up to {MAX_ELEMENTS}."
        )
    _check_quantization(tensor, 1)
    zero_point = int(tensor.grid.zero_point[0])
    if not -128 <= zero_point <= 127:
        raise corrupt(f"Tensor {name} has the zero point {zero_point}, outside int8.")


def _check_quantization(tensor: Tensor, *lengths: int) -> None:
    """Scales are there, as many as one of ``lengths``, and positive."""
    name, q = quoted(tensor.name), tensor.quantization
    if q is None:
        raise corrupt(f"Tensor {name} is {tensor.dtype} but has no scale.")
    if len(q.scale) not in lengths or len(q.scale) != len(q.zero_point):
        raise corrupt(
            f"Tensor {name} has {len(q.scale)} scales and {len(q.zero_point)} zero points."
        )
    if not (np.isfinite(q.scale).all() and (q.scale > 0).all()):
        raise corrupt(f"Tensor {name} has a scale that is not a positive number.")


def _check_weights(graph: Graph, operator: Operator, axis: int) -> None:
    weights = graph.tensors[operator.inputs[1]]
    channels = weights.shape[axis]
    _check_quantization(weights, 1, channels)
    if weights.grid.per_channel and weights.grid.axis != axis:
        raise _wrong(operator, f"weight scales run along axis {weights.grid.axis}")
    if weights.grid.zero_point.any():
        raise _wrong(operator, "weights with a zero point other than 0")
    if len(operator.inputs) == 3 and operator.inputs[2] >= 0:
        _check_bias(graph, operator, channels)


def _check_bias(graph: Graph, operator: Operator, channels: int) -> None:
    """A bias counts in units of input scale * weight scale, whatever scale of its own the file
    states; TFLite demands that they agree of dense layers with one weight scale alone."""
    data, weights, bias = (graph.tensors[i] for i in operator.inputs)
    if bias.size != channels:
        raise _wrong(operator, f"a bias of the shape {bias.shape} for {channels} channels")
    if bias.quantization is None:
        return  # by its meaning it has the product of the other two scales
    _check_quantization(bias, 1, channels)
    if operator.kind == "FULLY_CONNECTED" and not weights.grid.per_channel:
        off = abs(bias.quantization.scale - data.grid.scale * weights.grid.scale).max()
        if off > BIAS_SCALE_TOLERANCE * graph.tensors[operator.outputs[0]].grid.scale[0]:
            raise _wrong(operator, "the bias scale is not input scale * weight scale")
    if bias.quantization.zero_point.any():
        raise _wrong(operator, "a bias with a zero point other than 0")


def _check_output(graph: Graph, operator: Operator) -> None:
    computed = KINDS[operator.kind].output_shape(graph, operator)
    shapes = computed if isinstance(computed, list) else [computed]
    for index, expected in zip(operator.outputs, shapes):
        found = graph.tensors[index].shape
        if min(expected, default=0) < 1 or found != expected:
            raise _wrong(operator, f"its output has the shape {found}, computed {expected}")


def _check_scales(graph: Graph, operator: Operator) -> None:
    rule = KINDS[operator.kind].scaling
    data = [graph.tensors[i].grid for i in operator.operands]
    outputs = [graph.tensors[i].grid for i in operator.outputs]
    output = outputs[0]
    if _clamps_at_six(operator) and output.scale[0] < LEAST_OF_SIX:
        raise _wrong(operator, f"with an output scale of {output.scale[0]:.3g} 6 is no int32")
    if isinstance(rule, Same):
        data = data[rule.first :]
    if isinstance(rule, Same) and len({_parameters(q) for q in (*data, *outputs)}) > 1:
        raise _wrong(operator, "input and output have different scales")
    if isinstance(rule, Fixed) and _parameters(output) != (rule.scale, rule.zero_point):
        wanted = f"1/{round(1 / rule.scale)} with zero point {rule.zero_point}"
        raise _wrong(operator, f"the output scale is not {wanted}")
    if isinstance(rule, Factor):
        _check_factor(graph, operator, rule, [float(q.scale[0]) for q in data], output)


def _clamps_at_six(operator: Operator) -> bool:
    return "RELU6" in (operator.kind, operator.options.get("fused_activation_function"))


def _parameters(q: Quantization) -> tuple[float, int]:
    return float(q.scale[0]), int(q.zero_point[0])


def _check_factor(
    graph: Graph, operator: Operator, rule: Factor, scales: list[float], output: Quantization
) -> None:
    factor = rule.of(graph, operator, scales, float(output.scale[0]))
    least, end = rule.inputs
    if not (rule.low <= factor < rule.high and least <= scales[0] < end):
        raise _wrong(operator, f"its scales ask for a factor of {factor:.3g}")
