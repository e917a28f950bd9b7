"""The float Graph: what every importer builds and the quantiser takes.

It uses the dataclasses of ``edgetune.model.graph``.  Tensors are "float32" without quantization;
an activation that an int8 or uint8 file gave a range keeps it, as that of an int8 tensor: its
values end there, and so do the int8 file's.
constants hold float32 arrays (integer operands int32); shapes begin with a batch of one, channels
come last.  The graph has one output; operators stand in an order in which each
comes after those it reads; an operator has one output.  Options carry TFLite's names.

=================  ================================  ============================================
kind               inputs                            options
=================  ================================  ============================================
CONV_2D            x [1,h,w,c], weights              padding "SAME" or "VALID", stride_h, stride_w,
                   [o,kh,kw,c/groups],               dilation_h_factor, dilation_w_factor, fused
                   bias [o] or -1
TRANSPOSE_CONV     x [1,h,w,c], weights              padding, stride_h, stride_w, output_shape,
                   [o,kh,kw,c], bias [o] or -1       fused
DEPTHWISE_CONV_2D  x [1,h,w,c], weights              as CONV_2D, and depth_multiplier m
                   [1,kh,kw,c*m], bias [c*m] or -1
FULLY_CONNECTED    x, weights [units,n], bias        keep_num_dims (False: x is taken as flat),
                   [units] or -1                     fused
MAX_POOL_2D,       x [1,h,w,c]                       padding, stride_h, stride_w, filter_height,
AVERAGE_POOL_2D                                      filter_width, fused
MEAN, REDUCE_MAX   x, axes                           keep_dims
PAD                x, paddings [rank,2]              zeros; not of the batch
RESHAPE, SQUEEZE,  x (further operands are ignored)  the output tensor's shape says it all
EXPAND_DIMS
TRANSPOSE, SLICE,  as TFLite has them                as TFLite has them; the batch stays
STRIDED_SLICE,
GATHER, TILE, ...
RESIZE_BILINEAR    x [1,h,w,c], size [2]             align_corners, half_pixel_centers
SOFTMAX            x                                 beta; over the last axis
LOG_SOFTMAX        x                                 over the last axis
ADD, SUB, MUL      x, y                              fused; broadcast; one may be a constant
CONCATENATION      x, y, ...                         axis, fused
RELU, RELU6,       x
RELU_N1_TO_1,
RELU_0_TO_1,
LOGISTIC, TANH,
HARD_SWISH, ELU,
ABS, EXP, RSQRT,
SQRT, LOG
GELU               x                                 approximate
MAXIMUM, MINIMUM,  x, y                              broadcast; one may be a constant
SQUARED_DIFFERENCE
PRELU              x, slopes                         slopes constant, broadcast to x
LEAKY_RELU         x                                 alpha
=================  ================================  ============================================

``fused`` stands for ``fused_activation_function``: "NONE", "RELU" or "RELU6".  A batch
normalisation is a MUL and an ADD by constants of shape [c].
"""

from __future__ import annotations

import math

import numpy as np

from edgetune.errors import ModelError
from edgetune.floats.supported import activations_of, refuse_unsupported
from edgetune.model.consistency import check_order
from edgetune.model.decode import corrupt, quoted
from edgetune.model.faults import MAX_WINDOW, transposed
from edgetune.model.graph import Graph, Operator, Tensor
from edgetune.model.kinds import KINDS, MOVED, RESIZED, VIEWS, WEIGHTED
from edgetune.model.shapes import groups
from edgetune.model.size import too_large

MAX_OPERATORS = 4000
MAX_ELEMENTS = 1 << 22  # of an activation; as int8 more than any Cortex-M's memory
MAX_WEIGHT = 1e12  # magnitude; products of a few such stay finite in float32
MAX_WORK = 1 << 32  # operand elements read in one forward pass


def check_float_graph(graph: Graph) -> None:
    """Whether ``graph`` is what the module's table says, and agrees with itself.

    Raises:
        ModelError: all operators that are not in the table listed at once, or the first
            contradiction in shapes and options.
    """
    if len(graph.operators) > MAX_OPERATORS:
        raise ModelError(
            f"The model has {len(graph.operators)} operators.",
            f"edgetune converts up to {MAX_OPERATORS}.",
            "Name a smaller model.",
        )
    check_order(graph)
    refuse_unsupported(graph)
    for operator in graph.operators:
        _check_operator(graph, operator)
    work = sum(_work(graph, operator) for operator in graph.operators)
    if work > MAX_WORK:
        raise ModelError(
            "The model is too large.",
            f"One forward pass takes {work:.3g} multiplications or more.",
            "Name a smaller model.",
        )
    for tensor in graph.tensors:
        if _is_real_constant(tensor) and not (np.abs(tensor.data) <= MAX_WEIGHT).all():
            raise corrupt(f"Constant {quoted(tensor.name)} holds NaN or values beyond 1e12.")


def _work(graph: Graph, operator: Operator) -> int:
    """Elements read to compute the output."""
    elements = graph.tensors[operator.outputs[0]].size
    if operator.kind in WEIGHTED:
        shape = graph.tensors[operator.inputs[1]].shape
        taps = shape[1:3] if operator.kind == "DEPTHWISE_CONV_2D" else shape[1:]
        return elements * math.prod(taps)
    taps = operator.options.get("filter_height", 1) * operator.options.get("filter_width", 1)
    return elements * taps


def _check_operator(graph: Graph, operator: Operator) -> None:
    for tensor in activations_of(graph, operator):
        if tensor.size > MAX_ELEMENTS:
            raise too_large(f"Tensor {quoted(tensor.name)} has {tensor.size} elements.")
    _check_options(operator)
    if operator.kind in WEIGHTED:
        _check_weights(graph, operator)
    elif operator.kind == "PAD":
        _check_paddings(graph, operator)
    elif operator.kind in (*MOVED, *RESIZED) and (
        cause := KINDS[operator.kind].wrong(graph, operator)
    ):
        raise _wrong(operator, cause)
    _check_output(graph, operator)


def _check_options(operator) -> None:
    for name in ("stride_h", "stride_w", "filter_height", "filter_width",
                 "dilation_h_factor", "dilation_w_factor"):
        if not 1 <= operator.options.get(name, 1) <= MAX_WINDOW:
            raise _wrong(operator, f"{name} is {operator.options[name]}")
    if operator.options.get("padding", "SAME") not in ("SAME", "VALID"):
        raise _wrong(operator, f"unknown {operator.options['padding']}")
    for name in ("beta", "alpha"):
        if not math.isfinite(operator.options.get(name, 0.0)):
            raise _wrong(operator, f"{name} is {operator.options[name]}")
    if not 0 < operator.options.get("beta", 1.0) <= 1e6:
        raise _wrong(operator, f"beta is {operator.options['beta']}")


def _check_weights(graph, operator) -> None:
    data, weights = (graph.tensors[i].shape for i in operator.inputs[:2])
    if operator.kind == "FULLY_CONNECTED":
        read = data[-1] if operator.options["keep_num_dims"] else math.prod(data)
        fits = len(weights) == 2 and read == weights[1]
    elif operator.kind == "CONV_2D":
        fits = len(weights) == 4 and groups(data, weights) > 0
    elif operator.kind == "TRANSPOSE_CONV":
        if cause := transposed(graph, operator):
            raise _wrong(operator, cause)
        fits = True
    else:
        multiplier = operator.options["depth_multiplier"]
        fits = len(weights) == 4 and weights[0] == 1 and data[3] * multiplier == weights[3] > 0
    if not fits or min(weights) < 1:
        raise _wrong(operator, f"weights {weights} do not fit the input {data}")
    units = weights[3] if operator.kind == "DEPTHWISE_CONV_2D" else weights[0]
    if len(operator.inputs) == 3 and operator.inputs[2] >= 0:
        bias = graph.tensors[operator.inputs[2]].shape
        if bias != (units,):
            raise _wrong(operator, f"a bias of the shape {bias} for {units} channels")


def _check_paddings(graph, operator) -> None:
    rank, tensor = len(graph.tensors[operator.inputs[0]].shape), graph.tensors[operator.inputs[1]]
    if tensor.shape != (rank, 2) or tensor.data.min() < 0 or tensor.data.max() > MAX_WINDOW:
        raise _wrong(operator, "paddings that are not pairs of small positive integers")


def _check_output(graph, operator) -> None:
    output = graph.tensors[operator.outputs[0]]
    data = graph.tensors[operator.inputs[0]]
    if operator.kind in VIEWS:
        if data.size != output.size:
            raise _wrong(operator, f"{data.shape} becomes {output.shape}")
        return
    expected = KINDS[operator.kind].output_shape(graph, operator)
    if min(expected, default=0) < 1 or output.shape != expected:
        raise _wrong(operator, f"its output has the shape {output.shape}, computed {expected}")


def _wrong(operator: Operator, cause: str) -> ModelError:
    return corrupt(f"Operator {operator.index} {operator.kind}: {cause}.")


def _is_real_constant(tensor: Tensor) -> bool:
    return tensor.data is not None and tensor.dtype == "float32"
