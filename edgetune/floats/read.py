"""A float, hybrid or otherwise quantised .tflite file, read as a float Graph.

Whatever is quantised in the file becomes float: int8, uint8 and float16 constants get their real
values, QUANTIZE and DEQUANTIZE vanish.  Hybrid (dynamic-range) files thus need no special care.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from edgetune.errors import ModelError
from edgetune.floats.graph import MAX_OPERATORS, check_float_graph
from edgetune.floats.rewriting import rewritten
from edgetune.floats.shape_arithmetic import fold_shape_arithmetic
from edgetune.floats.supported import INTEGERS
from edgetune.model.consistency import check_order
from edgetune.model.decode import corrupt, decode, quoted
from edgetune.model.graph import Graph, Operator, Tensor
from edgetune.model.kinds import BRIDGES
from edgetune.model.read import file_content
from edgetune.model.rewrite import Rewriter

MAX_WEIGHTS = 16 << 20
NUMBERS = ("int8", "uint8", "int16", "int32", "float16", "float32")


def read_float(source: str | os.PathLike | bytes) -> Graph:
    """Reads a .tflite model of any number type as a float Graph (``floats.graph``).

    Args:
        source: a path, or the file's content.

    Raises:
        ModelError: the file cannot be read, is not a TFLite model, is corrupt, or holds
            operators that cannot be converted (all of them listed).
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return as_float(decode(bytes(source)))
    path = Path(source)
    try:
        return as_float(decode(file_content(path)))
    except ModelError as error:
        raise ModelError(f"{path.name}: {error.message}", error.cause, error.next_step) from None


def as_float(decoded: Graph) -> Graph:
    """The float Graph of a decoded file; errors as ``read_float``."""
    check_order(decoded)
    if len(decoded.operators) > MAX_OPERATORS:
        raise ModelError(
            f"The model has {len(decoded.operators)} operators.",
            f"edgetune converts up to {MAX_OPERATORS}.",
            "Name a smaller model.",
        )
    rewriter = Rewriter(decoded)
    fold_shape_arithmetic(rewriter)
    _remove_bridges(rewriter)
    _make_real(rewriter)
    graph = rewritten(rewriter.graph())
    check_float_graph(graph)
    return graph


def _remove_bridges(rewriter: Rewriter) -> None:
    """Takes out QUANTIZE and DEQUANTIZE; readers get what they read."""
    for op in [op for op in rewriter.operators if op.kind in BRIDGES]:
        if len(op.inputs) != 1 or len(op.outputs) != 1 or op.inputs[0] < 0:
            raise corrupt(f"A {op.kind} of {len(op.inputs)} inputs, {len(op.outputs)} outputs.")
        source, result = op.inputs[0], op.outputs[0]
        rewriter.remove(op)
        before = rewriter.producer(source)
        if before is not None and rewriter.readers(source) == [] and (
            source not in rewriter.outputs and result in rewriter.outputs
        ):
            before.outputs = tuple(result if i == source else i for i in before.outputs)
        else:
            rewriter.reconnect(result, source)


def _make_real(rewriter: Rewriter) -> None:
    """Types of activations become float32, constants get their real values."""
    budget = MAX_WEIGHTS
    for op in rewriter.operators:
        for place, index in enumerate(op.inputs):
            if index < 0 or place in INTEGERS.get(op.kind, ()):
                continue
            tensor = rewriter.tensors[index]
            if tensor.data is None:
                _make_float(tensor)
            elif tensor.dtype != "float32" or tensor.quantization is not None:
                budget -= tensor.size
                if budget < 0:
                    raise _too_large()
                _dequantize(rewriter, op, place)
        for index in op.outputs:
            _make_float(rewriter.tensors[index])
    for index in rewriter.inputs:
        _make_float(rewriter.tensors[index])


def _make_float(tensor: Tensor) -> None:
    """An activation in the quantised part of a model stands for real values."""
    stands_for_real = tensor.dtype in ("float16", "float32") or tensor.quantization is not None
    if stands_for_real and tensor.dtype in NUMBERS:
        tensor.dtype, tensor.quantization = "float32", None


def _dequantize(rewriter: Rewriter, op: Operator, place: int) -> None:
    """Gives operand ``place`` its real values, where they can be known."""
    tensor = rewriter.tensors[op.inputs[place]]
    if tensor.dtype not in NUMBERS:
        return
    values = tensor.data.astype(np.float32)
    if not tensor.dtype.startswith("float"):
        if tensor.quantization is None:
            return  # an integer that stands for itself; named as unsupported later
        scale, zero_point = _along_axis(tensor)
        with np.errstate(all="ignore"):  # what is not finite is found later
            values = (values - zero_point) * scale
    index = rewriter.constant(tensor.name, values)
    op.inputs = tuple(index if i == place else t for i, t in enumerate(op.inputs))


def _along_axis(tensor: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Scale and zero point, shaped to multiply the tensor's values."""
    q, rank = tensor.quantization, len(tensor.shape)
    if len(q.scale) != len(q.zero_point):
        raise corrupt(f"Tensor {quoted(tensor.name)} has other numbers of scales and zero points.")
    if not (q.scale >= 0).all():  # a channel of zeros may have the scale 0
        raise corrupt(f"Tensor {quoted(tensor.name)} has a scale that is not a positive number.")
    shape = [1] * rank
    if q.per_channel:
        if not 0 <= q.axis < rank or tensor.shape[q.axis] != len(q.scale):
            raise corrupt(
                f"Tensor {quoted(tensor.name)} of the shape {tensor.shape} has {len(q.scale)} "
                f"scales along axis {q.axis}."
            )
        shape[q.axis] = -1
    with np.errstate(over="ignore"):
        return tuple(a.astype(np.float32).reshape(shape) for a in (q.scale, q.zero_point))


def _too_large() -> ModelError:
    return ModelError(
        "The model is too large.",
        f"It holds more than {MAX_WEIGHTS >> 20} million weights; no microcontroller holds them.",
        "Name a smaller model.",
    )
