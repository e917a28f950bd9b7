"""A float, hybrid or otherwise quantised .tflite file, read as a float Graph.

Whatever is quantised in the file becomes float: int8, uint8 and float16 constants get their real
values, QUANTIZE and DEQUANTIZE vanish.  Hybrid (dynamic-range) files thus need no special care.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from edgetune.errors import ModelError
from edgetune.floats.batches import lay_flat
from edgetune.floats.constants import fold_branches
from edgetune.floats.graph import MAX_OPERATORS, check_float_graph
from edgetune.floats.rewriting import rewritten
from edgetune.floats.supported import INTEGERS
from edgetune.floats.vectors import count_vectors_as_cells
from edgetune.model.consistency import check_order
from edgetune.model.decode import corrupt, decode
from edgetune.model.decoding import before_decoding
from edgetune.model.foreign import refuse_foreign
from edgetune.model.graph import Graph, Operator, Quantization, Tensor
from edgetune.model.kinds import BRIDGES, CLAMPING, FUSED_OPTION, WEIGHTED
from edgetune.model.numbers import real_values
from edgetune.model.outputs import Choice, choose_output
from edgetune.model.read import file_content, named
from edgetune.model.rewrite import Rewriter
from edgetune.model.simplify import simplify
from edgetune.model.streaming import as_window

MAX_WEIGHTS = 16 << 20
MAX_SCALE = 1e12
NUMBERS = ("int8", "uint8", "int16", "int32", "float16", "float32")


def read_float(source: str | os.PathLike | bytes, output: Choice = None) -> Graph:
    """Reads a .tflite model of any number type as a float Graph (``floats.graph``).

    Args:
        source: a path, or the file's content.
        output: of a file with several outputs the one that counts, its name or number.

    Raises:
        ModelError: the file cannot be read, is not a TFLite model, is corrupt, holds operators
            that cannot be converted (all of them listed), or has several outputs and none is
            named.
        UsageError: there is no such output.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return as_float(decode(bytes(source)), output)
    path = Path(source)
    with named(path):
        return as_float(decode(file_content(path)), output)


def as_float(decoded: Graph, output: Choice = None) -> Graph:
    """The float Graph of a decoded file; errors as ``read_float``."""
    check_order(decoded)
    decoded = choose_output(before_decoding(as_window(decoded)), output)
    refuse_foreign(decoded)
    if len(decoded.operators) > MAX_OPERATORS:
        raise ModelError(
            f"The model has {len(decoded.operators)} operators.",
            f"edgetune converts up to {MAX_OPERATORS}.",
            "Name a smaller model.",
        )
    rewriter = Rewriter(simplify(decoded))
    _remove_bridges(rewriter)
    _make_real(rewriter)
    count_vectors_as_cells(rewriter)
    rewriter = Rewriter(rewritten(rewriter.graph()))
    lay_flat(rewriter)
    graph = replace(
        fold_branches(rewriter.graph()), content=decoded.content,
        other_outputs=decoded.other_outputs, output_number=decoded.output_number,
        decoding=decoded.decoding, frames=decoded.frames,
    )
    _keep_clamps(graph)
    check_float_graph(graph)
    return graph


def _remove_bridges(rewriter: Rewriter) -> None:
    """Takes out QUANTIZE and DEQUANTIZE; readers get what they read."""
    for op in [op for op in rewriter.operators if op.kind in BRIDGES]:
        if len(op.inputs) != 1 or len(op.outputs) != 1 or op.inputs[0] < 0:
            raise corrupt(f"A {op.kind} of {len(op.inputs)} inputs, {len(op.outputs)} outputs.")
        source, result = op.inputs[0], op.outputs[0]
        rewriter.remove(op)
        _hand_on_range(rewriter, source, result)
        before = rewriter.producer(source)
        if before is not None and rewriter.readers(source) == [] and (
            source not in rewriter.outputs and result in rewriter.outputs
        ):
            before.outputs = tuple(result if i == source else i for i in before.outputs)
        else:
            rewriter.reconnect(result, source)


def _hand_on_range(rewriter: Rewriter, source: int, result: int) -> None:
    """What alone is quantised, and is read by nothing else, has that range."""
    outer, inner = rewriter.tensors[source], rewriter.tensors[result]
    if not rewriter.readers(source) and source not in rewriter.outputs and (
        outer.quantization is None
    ) and outer.data is None and inner.dtype in ("int8", "uint8"):
        outer.quantization, outer.dtype = inner.quantization, inner.dtype


def _make_real(rewriter: Rewriter) -> None:
    """Types of activations become float32, constants get their real values."""
    budget = MAX_WEIGHTS
    for tensor in rewriter.tensors:
        if tensor.dtype == "float32":
            tensor.quantization = None  # notes of a training that is over
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
        if op.kind in WEIGHTED and len(op.inputs) == 3:
            _flat_bias(rewriter, op)
        for index in op.outputs:
            _make_float(rewriter.tensors[index])
    for index in rewriter.inputs:
        _make_float(rewriter.tensors[index])


def _flat_bias(rewriter: Rewriter, op: Operator) -> None:
    """TFLite takes a bias of any shape that has one value a channel."""
    bias = rewriter.data(op.inputs[2])
    if bias is not None and bias.ndim > 1:
        name = rewriter.tensors[op.inputs[2]].name
        op.inputs = (*op.inputs[:2], rewriter.constant(name, bias.reshape(-1)))


def _make_float(tensor: Tensor) -> None:
    """An activation in the quantised part of a model stands for real values."""
    if tensor.dtype == "float32":
        return
    stands_for_real = tensor.dtype == "float16" or tensor.quantization is not None
    if stands_for_real and tensor.dtype in NUMBERS:
        tensor.quantization = _int8_grid(tensor)
        tensor.dtype = "float32"


def _int8_grid(tensor: Tensor) -> Quantization | None:
    """The grid of an int8 or uint8 activation, for int8; None where it has none that is whole."""
    q, shift = tensor.quantization, {"int8": 0, "uint8": 128}.get(tensor.dtype)
    if q is None or shift is None or len(q.scale) != 1 or len(q.zero_point) != 1:
        return None
    scale, zero_point = float(q.scale[0]), int(q.zero_point[0]) - shift
    if not (0 < scale < MAX_SCALE and -128 <= zero_point <= 127):
        return None
    return Quantization(q.scale, q.zero_point - shift)


def _keep_clamps(graph: Graph) -> None:
    """A range that ends at zero is the RELU of older files, one from 0 to 6 their RELU6."""
    for op in graph.operators:
        q = graph.tensors[op.outputs[0]].quantization
        if q is None or op.kind not in CLAMPING or q.zero_point[0] != -128:
            continue
        if op.options.get(FUSED_OPTION, "NONE") == "NONE":
            six = abs(255 * q.scale[0] - 6) < q.scale[0] / 2
            op.options[FUSED_OPTION] = "RELU6" if six else "RELU"


def _dequantize(rewriter: Rewriter, op: Operator, place: int) -> None:
    """Gives operand ``place`` its real values, where they can be known."""
    tensor = rewriter.tensors[op.inputs[place]]
    if tensor.dtype not in NUMBERS:
        return
    if not tensor.dtype.startswith("float") and tensor.quantization is None:
        return  # an integer that stands for itself; named as unsupported later
    index = rewriter.constant(tensor.name, real_values(tensor))
    op.inputs = tuple(index if i == place else t for i, t in enumerate(op.inputs))


def _too_large() -> ModelError:
    return ModelError(
        "The model is too large.",
        f"It holds more than {MAX_WEIGHTS >> 20} million weights; no microcontroller holds them.",
        "Name a smaller model.",
    )
