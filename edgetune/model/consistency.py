"""Whether a graph agrees with itself: order, shapes, scales and zero points.

After these checks the lowering may trust every number of the graph.
"""

from __future__ import annotations

import math

import numpy as np

from edgetune.model.decode import corrupt, quoted
from edgetune.model.graph import WEIGHTED, Graph, Operator, Tensor
from edgetune.model.shapes import output_shape

MAX_ELEMENTS = 1 << 22  # of an activation; more than any Cortex-M's memory
MAX_WINDOW = 32767  # kernel height and width, strides
BIAS_SCALE_TOLERANCE = 1e-3  # relative, against input scale * weight scale
MAX_MULTIPLIER = 2.0**30  # input scale * weight scale / output scale: fits a left shift
VIEWS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE")  # new shapes of the same memory
SAME_SCALE = (
    *VIEWS, "MAX_POOL_2D", "AVERAGE_POOL_2D", "PAD", "CONCATENATION", "STRIDED_SLICE",
)
# Bounds under which no sum or product of TFLite's kernels leaves its 32 bits.
MAX_SUM_FACTOR = 2.0**19  # larger input scale / output scale
MAX_PRODUCT_FACTOR = 2.0**15  # product of the input scales / output scale
MAX_UNARY_FACTOR = 2.0**22  # input scale / output scale, times a slope
SWISH_FACTORS = 2.0**-9, 2.0**7  # input scale / output scale; 16 bits here
SWISH_SCALES = 2.0**-22, 2.0**20  # of the input
FIXED_OUTPUT = {  # by TFLite's specification: scale and zero point
    "SOFTMAX": (1 / 256, -128), "LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0),
}
CHANNEL_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}


def check_order(graph: Graph) -> None:
    """Every index exists, and every input is there before it is used.

    Raises:
        ModelError: an index out of range, a tensor produced twice, an operator that uses what
            a later one produces (or itself), no operators at all.
    """
    if not graph.operators:
        raise corrupt("The graph has no operators.")
    ready = {t.index for t in graph.tensors if t.data is not None}
    for index in graph.inputs:
        _check_produced(graph, index, ready, "The graph")
        ready.add(index)
    for operator in graph.operators:
        who = f"Operator {operator.index} {operator.kind}"
        _check_inputs(graph, operator, ready, who)
        if not operator.outputs:
            raise corrupt(f"{who} has no output.")
        for index in operator.outputs:
            _check_produced(graph, index, ready, who)
            ready.add(index)
    if not graph.inputs or not graph.outputs or not set(graph.outputs) <= ready:
        raise corrupt("The graph's inputs or outputs are missing or never produced.")


def _check_inputs(graph, operator, ready, who) -> None:
    for index in operator.inputs:
        if not -1 <= index < len(graph.tensors):
            raise corrupt(f"{who} reads tensor {index}; there are {len(graph.tensors)}.")
        if index >= 0 and index not in ready and not _opaque(graph.tensors[index]):
            raise corrupt(f"{who} reads tensor {index} before any operator produces it.")


def _check_produced(graph, index, ready, who) -> None:
    if not 0 <= index < len(graph.tensors):
        raise corrupt(f"{who} produces tensor {index}; there are {len(graph.tensors)}.")
    if index in ready:
        raise corrupt(f"{who} produces tensor {index}, which is there already.")


def _opaque(tensor: Tensor) -> bool:
    """A type whose constants are not read (strings, int4, ...), or an empty constant."""
    return tensor.buffer != 0 and (
        tensor.dtype not in ("int8", "int32", "float32") or 0 in tensor.shape
    )


def check_operator(graph: Graph, operator: Operator) -> None:
    """Operands, options, shapes and scales of one supported operator.

    Raises:
        ModelError: naming the operator and what does not agree.
    """
    _check_options(operator)
    for index in (*operator.operands, operator.outputs[0]):
        _check_activation(graph.tensors[index])
    if operator.kind in WEIGHTED:
        _check_weights(graph, operator)
    elif operator.kind == "PAD":
        _check_paddings(graph.tensors[operator.inputs[1]], operator)
    _check_output(graph, operator)
    _check_scales(graph, operator)


def _wrong(operator: Operator, cause: str):
    return corrupt(f"Operator {operator.index} {operator.kind}: {cause}.")


def _check_options(operator) -> None:
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
        raise corrupt(f"Tensor {name} has {tensor.size} elements.")
    _check_quantization(tensor, 1)
    zero_point = int(tensor.quantization.zero_point[0])
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


def _check_weights(graph, operator) -> None:
    weights = graph.tensors[operator.inputs[1]]
    shape = weights.shape
    if len(shape) != (2 if operator.kind == "FULLY_CONNECTED" else 4):
        raise _wrong(operator, f"weights of the shape {shape}")
    _check_weight_shape(graph.tensors[operator.inputs[0]].shape, shape, operator)
    axis = CHANNEL_AXIS[operator.kind]
    _check_quantization(weights, 1, shape[axis])
    if weights.quantization.per_channel and weights.quantization.axis != axis:
        raise _wrong(operator, f"weight scales run along axis {weights.quantization.axis}")
    if weights.quantization.zero_point.any():
        raise _wrong(operator, "weights with a zero point other than 0")
    if len(operator.inputs) == 3 and operator.inputs[2] >= 0:
        _check_bias(graph, operator, shape[axis])


def _check_weight_shape(data, weights, operator) -> None:
    """Whether weights fit their input, both given by their shapes."""
    if operator.kind == "FULLY_CONNECTED":
        fits = math.prod(data) == weights[1]
        if operator.options["keep_num_dims"]:
            fits = fits and data[-1] == weights[1]
    elif operator.kind == "CONV_2D":
        fits = data[3] == weights[3]
    else:
        multiplier = operator.options["depth_multiplier"]
        fits = weights[0] == 1 and multiplier >= 1 and data[3] * multiplier == weights[3]
    if not fits:
        raise _wrong(operator, f"weights {weights} do not fit the input {data}")
    if len(weights) == 4 and max(weights[1:3]) > MAX_WINDOW:
        raise _wrong(operator, f"a kernel of {weights[1]}x{weights[2]}")


def _check_bias(graph, operator, channels) -> None:
    data, weights, bias = (graph.tensors[i] for i in operator.inputs)
    if bias.shape != (channels,):
        raise _wrong(operator, f"a bias of the shape {bias.shape} for {channels} channels")
    if bias.quantization is None:
        return  # by its meaning it has the product of the other two scales
    _check_quantization(bias, 1, channels)
    expected = data.quantization.scale * weights.quantization.scale
    if not np.allclose(bias.quantization.scale, expected, rtol=BIAS_SCALE_TOLERANCE, atol=0):
        raise _wrong(operator, "the bias scale is not input scale * weight scale")
    if bias.quantization.zero_point.any():
        raise _wrong(operator, "a bias with a zero point other than 0")


def _check_paddings(tensor, operator) -> None:
    if tensor.shape != (4, 2) or tensor.data.min() < 0 or tensor.data.max() > MAX_WINDOW:
        raise _wrong(operator, "paddings that are not 4 pairs of small positive integers")


def _check_output(graph, operator) -> None:
    _check_axes(graph, operator)
    found = graph.tensors[operator.outputs[0]].shape
    expected = output_shape(graph, operator)
    if min(expected) < 1 or found != expected:
        raise _wrong(operator, f"its output has the shape {found}, computed {expected}")
    data, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    if operator.kind in VIEWS and data.size != output.size:
        raise _wrong(operator, f"{data.shape} reshaped to {output.shape}")
    if operator.kind == "RESHAPE":
        _check_reshape(graph, operator, output)


def _check_axes(graph, operator) -> None:
    """Constants that name axes or positions along them: one for each dimension."""
    rank = len(graph.tensors[operator.inputs[0]].shape)
    if operator.kind == "TRANSPOSE":
        order = graph.tensors[operator.inputs[1]].data.reshape(-1)
        if sorted(int(axis) % max(1, rank) for axis in order) != list(range(rank)):
            raise _wrong(operator, f"an order that is not one of {rank} axes")
    if operator.kind == "STRIDED_SLICE":
        if any(graph.tensors[i].data.size != rank for i in operator.inputs[1:4]):
            raise _wrong(operator, f"begins, ends or strides that are not {rank} numbers")


def _check_reshape(graph, operator, output) -> None:
    if len(operator.inputs) < 2 or operator.inputs[1] < 0:
        return
    wanted = graph.tensors[operator.inputs[1]].data.reshape(-1).tolist()
    if len(wanted) != len(output.shape) or any(
        want not in (-1, have) for want, have in zip(wanted, output.shape)
    ):
        raise _wrong(operator, f"asked for the shape {wanted[:8]}, output {output.shape}")


def _check_scales(graph, operator) -> None:
    data = [graph.tensors[i].quantization for i in operator.operands]
    output = graph.tensors[operator.outputs[0]].quantization
    if operator.kind in SAME_SCALE:
        if any(_parameters(q) != _parameters(output) for q in data):
            raise _wrong(operator, "input and output have different scales")
    elif operator.kind in FIXED_OUTPUT:
        if _parameters(output) != FIXED_OUTPUT[operator.kind]:
            scale, zero_point = FIXED_OUTPUT[operator.kind]
            wanted = f"1/{round(1 / scale)} with zero point {zero_point}"
            raise _wrong(operator, f"the output scale is not {wanted}")
    else:
        _check_factor(graph, operator, [float(q.scale[0]) for q in data], output)


def _parameters(q) -> tuple[float, int]:
    return float(q.scale[0]), int(q.zero_point[0])


def _check_factor(graph, operator, scales: list[float], output) -> None:
    to, kind = float(output.scale[0]), operator.kind
    factor, limit = scales[0] / to, MAX_UNARY_FACTOR
    if kind in WEIGHTED:
        weights = graph.tensors[operator.inputs[1]].quantization.scale
        factor, limit = factor * float(weights.max()), MAX_MULTIPLIER
    elif kind == "MEAN":
        limit = MAX_MULTIPLIER
    elif kind in ("ADD", "SUB"):
        factor, limit = max(scales) / to, MAX_SUM_FACTOR
    elif kind == "MUL":
        factor, limit = scales[0] * scales[1] / to, MAX_PRODUCT_FACTOR
    elif kind == "LEAKY_RELU":
        factor *= max(1.0, abs(operator.options["alpha"]))
    if factor >= limit or (kind == "HARD_SWISH" and not _swishes(scales[0], factor)):
        raise _wrong(operator, f"its scales ask for a factor of {factor:.3g}")


def _swishes(scale: float, factor: float) -> bool:
    pairs = (factor, SWISH_FACTORS), (scale, SWISH_SCALES)
    return all(low <= value < high for value, (low, high) in pairs)
