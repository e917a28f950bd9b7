"""The float layer of each of a Graph's operators."""

from __future__ import annotations

import numpy as np

from edgetune.model.graph import Graph, Operator, Tensor
from edgetune.model.interpolation import Between, real_between
from edgetune.model.moves import MOVES, places

from . import arithmetic, functions, pools, shapes, weighted
from .layer import Layer
from .windows import Windows

LIMITS = {"RELU": (0, np.inf), "RELU6": (0, 6)}


def dequantize(tensor: Tensor, dtype=np.float32) -> np.ndarray:
    """A constant's real values."""
    quantization = tensor.quantization
    shape = [1] * len(tensor.shape)
    if quantization.per_channel:
        shape[quantization.axis] = -1
    scale, zero_point = (v.reshape(shape) for v in (quantization.scale, quantization.zero_point))
    q = tensor.data.reshape(tensor.shape).astype(np.float64)
    return ((q - zero_point) * scale).astype(dtype)


def rounded(y: np.ndarray, tensor: Tensor) -> np.ndarray:
    """An activation's real values on its int8 grid, saturated at its ends."""
    scale, zero_point = tensor.quantization.scale[0], tensor.quantization.zero_point[0]
    q = np.clip(np.rint(y / scale), -128 - zero_point, 127 - zero_point)
    return (q * scale).astype(y.dtype)


def make_layer(graph: Graph, operator: Operator, dtype=np.float32, output: int = 0) -> Layer:
    """The layer of one of an operator's outputs, without its fused activation.

    Raises:
        ValueError: a kind of operator that has no layer here.
    """
    if operator.kind in MOVES:
        return shapes.Take(places(graph, operator)[output])
    if operator.kind not in MAKERS:
        raise ValueError(f"no float layer for {operator.kind}")
    layer = MAKERS[operator.kind](graph, operator)
    if isinstance(layer, weighted.Weighted):
        layer.operator = operator.index
        layer.weights, layer.bias = (v.astype(dtype) for v in (layer.weights, layer.bias))
    return layer


def make_fused(operator: Operator) -> Layer | None:
    """The layer of its fused activation, None without one."""
    kind = operator.options.get("fused_activation_function", "NONE")
    return None if kind == "NONE" else functions.Clip(*LIMITS[kind])


def _weights(graph: Graph, operator: Operator) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias; zeros for a bias that the model lacks."""
    weights = graph.tensors[operator.inputs[1]]
    if len(operator.inputs) < 3 or operator.inputs[2] < 0:
        channels = graph.tensors[operator.outputs[0]].shape[-1]
        return dequantize(weights), np.zeros(channels, np.float32)
    bias = graph.tensors[operator.inputs[2]]
    if bias.quantization is not None:
        return dequantize(weights), dequantize(bias)
    scale = graph.tensors[operator.inputs[0]].quantization.scale * weights.quantization.scale
    return dequantize(weights), (bias.data * scale).astype(np.float32)


def _windows(operator: Operator, kernel: tuple[int, int]) -> Windows:
    options = operator.options
    dilation = tuple(options.get(f"dilation_{axis}_factor", 1) for axis in "hw")
    strides = options["stride_h"], options["stride_w"]
    return Windows(tuple(kernel), strides, options["padding"], dilation)


def _kernel(graph: Graph, operator: Operator) -> Windows:
    return _windows(operator, graph.tensors[operator.inputs[1]].shape[1:3])


def _pool(operator: Operator) -> Windows:
    return _windows(operator, (operator.options["filter_height"], operator.options["filter_width"]))


def _rank(graph: Graph, operator: Operator) -> int:
    return len(graph.tensors[operator.inputs[0]].shape)


def _transposed(graph, operator):
    size = graph.tensors[operator.outputs[0]].shape[1:3]
    return weighted.Transposed(*_weights(graph, operator), _kernel(graph, operator), size)


def _dense(graph, operator):
    shape = graph.tensors[operator.outputs[0]].shape
    return weighted.Dense(*_weights(graph, operator), shape)


def _axes(graph, operator):
    axes = graph.tensors[operator.inputs[1]].data.reshape(-1)
    return sorted({int(axis) % _rank(graph, operator) for axis in axes})


def _view(graph, operator):
    return shapes.Reshape(graph.tensors[operator.outputs[0]].shape)


def _pad(graph, operator):
    return shapes.Pad(graph.tensors[operator.inputs[1]].data.reshape(-1, 2))


def _resized(graph, operator):
    sizes = (graph.tensors[t].shape[1:3] for t in (operator.inputs[0], operator.outputs[0]))
    return shapes.Bilinear(*(
        _matrix(real_between(size, out, operator.options), size) for size, out in zip(*sizes)
    ))


def _matrix(between: Between, size: int) -> np.ndarray:
    """What each place of the output takes of each of the input."""
    one = np.eye(size)
    part = between.part[:, None].astype(np.float64)
    return (1 - part) * one[between.before] + part * one[between.behind]


def _concatenate(graph, operator):
    return shapes.Concatenate(operator.options["axis"] % _rank(graph, operator))


MAKERS = {
    "CONV_2D": lambda g, o: weighted.Conv(*_weights(g, o), _kernel(g, o)),
    "DEPTHWISE_CONV_2D": lambda g, o: weighted.Depthwise(*_weights(g, o), _kernel(g, o)),
    "TRANSPOSE_CONV": _transposed,
    "FULLY_CONNECTED": _dense,
    "MAX_POOL_2D": lambda g, o: pools.MaxPool(_pool(o)),
    "AVERAGE_POOL_2D": lambda g, o: pools.AveragePool(_pool(o)),
    "MEAN": lambda g, o: pools.Mean(_axes(g, o), o.options["keep_dims"]),
    "REDUCE_MAX": lambda g, o: pools.Max(_axes(g, o), o.options["keep_dims"]),
    "PAD": _pad,
    "CONCATENATION": _concatenate,
    "RESIZE_BILINEAR": _resized,
    "RESHAPE": _view,
    "SQUEEZE": _view,
    "EXPAND_DIMS": _view,
    "ADD": lambda g, o: arithmetic.Add(),
    "SUB": lambda g, o: arithmetic.Subtract(),
    "MUL": lambda g, o: arithmetic.Multiply(),
    "SQUARED_DIFFERENCE": lambda g, o: arithmetic.SquaredDifference(),
    "MAXIMUM": lambda g, o: arithmetic.Extreme(largest=True),
    "MINIMUM": lambda g, o: arithmetic.Extreme(largest=False),
    "PRELU": lambda g, o: arithmetic.Prelu(),
    "RSQRT": lambda g, o: functions.InverseRoot(),
    "QUANTIZE": lambda g, o: functions.Identity(),
    "RELU": lambda g, o: functions.Clip(*LIMITS["RELU"]),
    "RELU6": lambda g, o: functions.Clip(*LIMITS["RELU6"]),
    "LEAKY_RELU": lambda g, o: functions.LeakyRelu(o.options["alpha"]),
    "LOGISTIC": lambda g, o: functions.Logistic(),
    "TANH": lambda g, o: functions.Tanh(),
    "HARD_SWISH": lambda g, o: functions.HardSwish(),
    "SOFTMAX": lambda g, o: functions.Softmax(o.options["beta"]),
    "LOG_SOFTMAX": lambda g, o: functions.LogSoftmax(),
}
