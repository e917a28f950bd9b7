"""Writes tensors and operators, as they are told, into a .tflite file."""

from __future__ import annotations

from dataclasses import dataclass

import flatbuffers
import numpy as np
import tflite

from tests.support.tiny_operators import VERSIONS


@dataclass
class TensorSpec:
    """A tensor to be written; ``data`` is None for activations.  One that stands in the list
    twice is one table with two numbers."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: np.ndarray | None = None
    zero_point: np.ndarray | None = None
    axis: int = 0
    data: np.ndarray | None = None
    sparse: bool = False
    shares: TensorSpec | None = None  # one before it, whose buffer it is in
    variable: bool = False  # a state


@dataclass
class OperatorSpec:
    """An operator to be written; ``options`` holds schema names (``StrideH``) and integers.  An
    ``output`` of -1 is none."""

    kind: str
    inputs: list[int]
    output: int
    options_table: str = ""
    options: dict | None = None
    others: tuple[int, ...] = ()  # further outputs
    intermediates: tuple[int, ...] = ()




def serialise(
    tensors, operators, outputs, old_codes=False, inputs=(0,), others=()
) -> bytes:
    """Writes tensors and operators as a TFLite file; ``others``: tensors and operators of further
    subgraphs, without inputs and outputs."""
    b = flatbuffers.Builder(1024)
    buffers, numbers = [_buffer(b, None)], {}
    graphs = [(tensors, operators, inputs, outputs), *((*other, (), ()) for other in others)]
    kinds = sorted({o.kind for graph in graphs for o in graph[1]})
    subgraphs = [_subgraph(b, *graph, kinds, buffers, numbers) for graph in graphs]
    model = _table(
        b, "Model",
        Version=3,
        OperatorCodes=_offsets(b, [_code_table(b, kind, old_codes) for kind in kinds]),
        Subgraphs=_offsets(b, subgraphs),
        Description=b.CreateString("built for a test"),
        Buffers=_offsets(b, buffers),
    )
    b.Finish(model, b"TFL3")
    return bytes(b.Output())


def _subgraph(b, tensors, operators, inputs, outputs, kinds, buffers, numbers):
    tables = {}
    for spec in tensors:
        if id(spec) in tables:
            continue
        if spec.shares is None:
            buffers.append(_buffer(b, spec.data))
        numbers[id(spec)] = numbers[id(spec.shares)] if spec.shares else len(buffers) - 1
        tables[id(spec)] = _tensor_table(b, spec, numbers[id(spec)])
    nodes = [_operator_table(b, o, kinds.index(o.kind)) for o in operators]
    return _table(
        b, "SubGraph",
        Tensors=_offsets(b, [tables[id(spec)] for spec in tensors]),
        Inputs=_numbers(b, inputs, np.int32),
        Outputs=_numbers(b, outputs, np.int32),
        Operators=_offsets(b, nodes),
        Name=b.CreateString("main"),
    )


def _table(b, name, **fields):
    """Writes the table ``name``; ``fields`` under their schema names, offsets or integers."""
    getattr(tflite, f"{name}Start")(b)
    for field, value in fields.items():
        if value is not None:
            getattr(tflite, f"{name}Add{field}")(b, value)
    return getattr(tflite, f"{name}End")(b)


def _offsets(b, offsets):
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return b.EndVector()


def _numbers(b, values, dtype):
    return None if values is None else b.CreateNumpyVector(np.asarray(values, dtype))


def _buffer(b, data):
    """A Buffer table; TFLite wants the data itself at a multiple of 16."""
    if data is None:
        return _table(b, "Buffer")
    content = data.tobytes()
    b.StartVector(1, len(content), 16)
    b.head = b.head - len(content)
    b.Bytes[b.head:b.head + len(content)] = content
    return _table(b, "Buffer", Data=b.EndVector())


def _tensor_table(b, spec, buffer):
    quantization = _table(
        b, "QuantizationParameters",
        Scale=_numbers(b, spec.scale, np.float32),
        ZeroPoint=_numbers(b, spec.zero_point, np.int64),
        QuantizedDimension=spec.axis,
    )
    sparsity = _table(b, "SparsityParameters") if spec.sparse else None
    return _table(
        b, "Tensor",
        Shape=_numbers(b, spec.shape, np.int32),
        Type=getattr(tflite.TensorType, spec.dtype.upper()),
        Buffer=buffer,
        Name=b.CreateString(spec.name),
        Quantization=quantization,
        Sparsity=sparsity,
        IsVariable=spec.variable,
    )


def _operator_table(b, spec, opcode):
    options = None
    if spec.options_table:
        fields = {name: _field(b, value) for name, value in spec.options.items()}
        options = _table(b, spec.options_table, **fields)
    return _table(
        b, "Operator",
        OpcodeIndex=opcode,
        Inputs=_numbers(b, spec.inputs, np.int32),
        Outputs=_numbers(b, [i for i in (spec.output, *spec.others) if i >= 0], np.int32),
        Intermediates=_numbers(b, spec.intermediates or None, np.int32),
        BuiltinOptionsType=getattr(tflite.BuiltinOptions, spec.options_table or "NONE"),
        BuiltinOptions=options,
    )


def _field(b, value):
    if isinstance(value, str):
        return b.CreateString(value)
    return _numbers(b, value, np.int32) if isinstance(value, tuple) else value


def _code_table(b, kind, old):
    """``kind`` may be "CUSTOM:name"."""
    name, _, custom = kind.partition(":")
    code = getattr(tflite.BuiltinOperator, name)
    fields = dict(DeprecatedBuiltinCode=min(code, 127), Version=VERSIONS.get(kind, 1),
                  CustomCode=b.CreateString(custom) if custom else None)
    return _table(b, "OperatorCode", **fields, BuiltinCode=None if old else code)
