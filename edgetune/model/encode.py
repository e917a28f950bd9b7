"""A Graph as the bytes of a .tflite file (TFLite schema, version 3).

The inverse of ``decode``: the same rows say which options a kind has.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np

from edgetune.model import schema, selection, transposed
from edgetune.model.decode import NAMED_OPTIONS, snake
from edgetune.model.graph import Graph, Operator, Tensor
from edgetune.model.inputs import SIGNATURE, signature_name
from edgetune.model.kinds import KINDS, OPTIONS

DESCRIPTION = "written by edgetune"
COMPARED_INT8 = 2  # comparisons that know int8
PER_CHANNEL_DENSE = 5  # FULLY_CONNECTED with one scale a unit
OLD_CODES = 127  # operator codes beyond do not fit the deprecated field, which then holds this
ALIGNMENT = 16  # of a buffer's data


def encode(graph: Graph) -> bytes:
    """The file of ``graph``, with a signature ``serving_default``.

    Args:
        graph: of one input or more, int8 or float; constants carry their data.  Names of the
            signature's inputs and outputs are those of the tensors without TensorFlow's frame.

    Returns:
        A file that TFLite runs; the same graph gives the same bytes.
    """
    b, graph = flatbuffers.Builder(4096), transposed.as_in_files(selection.as_in_files(graph))
    buffers, numbers = _buffers(b, graph.tensors)
    metadata = [_metadata(b, buffers, *item) for item in graph.metadata.items()]
    tensors = [tensor_table(b, t, n) for t, n in zip(graph.tensors, numbers)]
    codes = sorted({_code(op, graph) for op in graph.operators})
    operators = [_operator(b, op, codes.index(_code(op, graph))) for op in graph.operators]
    subgraph = _table(
        b, "SubGraph",
        Tensors=_offsets(b, tensors),
        Inputs=_integers(b, graph.inputs),
        Outputs=_integers(b, graph.outputs),
        Operators=_offsets(b, operators),
        Name=b.CreateString("main"),
    )
    model = _table(
        b, "Model",
        Version=3,
        OperatorCodes=_offsets(b, [_operator_code(b, *code) for code in codes]),
        Subgraphs=_offsets(b, [subgraph]),
        Description=b.CreateString(DESCRIPTION),
        Buffers=_offsets(b, buffers),
        SignatureDefs=_offsets(b, [_signature(b, graph)]),
        Metadata=_offsets(b, metadata) if metadata else None,
    )
    b.Finish(model, b"TFL3")
    return bytes(b.Output())


def _buffers(b: flatbuffers.Builder, tensors: list[Tensor]) -> tuple[list[int], list[int]]:
    """All buffers, equal ones once, and each tensor's buffer; buffer 0 is empty."""
    tables, numbers, known = [buffer_table(b, b"")], [], {b"": 0}
    for tensor in tensors:
        content = b"" if tensor.data is None else tensor.data.tobytes()
        if content not in known:
            known[content] = len(tables)
            tables.append(buffer_table(b, content))
        numbers.append(known[content])
    return tables, numbers


def _metadata(b: flatbuffers.Builder, buffers: list[int], name: str, content: bytes) -> int:
    """A note of the file, in a buffer of its own."""
    buffers.append(buffer_table(b, content))
    return _table(b, "Metadata", Name=b.CreateString(name), Buffer=len(buffers) - 1)


def buffer_table(b: flatbuffers.Builder, content: bytes) -> int:
    """Writes a Buffer; its data stands at a multiple of ``ALIGNMENT``."""
    if not content:
        return _table(b, "Buffer")
    b.StartVector(1, len(content), ALIGNMENT)
    b.head -= len(content)
    b.Bytes[b.head : b.head + len(content)] = content
    return _table(b, "Buffer", Data=b.EndVector())


def tensor_table(b: flatbuffers.Builder, tensor: Tensor, buffer: int) -> int:
    """Writes a Tensor whose data is the file's buffer number ``buffer``."""
    q, quantization = tensor.quantization, None
    if q is not None:
        quantization = _table(
            b, "QuantizationParameters",
            Scale=b.CreateNumpyVector(q.scale.astype(np.float32)),
            ZeroPoint=b.CreateNumpyVector(q.zero_point.astype(np.int64)),
            QuantizedDimension=q.axis,
        )
    return _table(
        b, "Tensor",
        Shape=_integers(b, tensor.shape),
        Type=getattr(schema.TensorType, tensor.dtype.upper()),
        Buffer=buffer,
        Name=b.CreateString(tensor.name),
        Quantization=quantization,
        HasRank=True,
    )


def _operator(b: flatbuffers.Builder, operator: Operator, code: int) -> int:
    options, table = None, "NONE"
    if operator.kind in OPTIONS:
        table, fields, _ = OPTIONS[operator.kind]
        options = _table(b, table, **{f: _option(operator, f) for f in fields})
    return _table(
        b, "Operator",
        OpcodeIndex=code,
        Inputs=_integers(b, operator.inputs),
        Outputs=_integers(b, operator.outputs),
        BuiltinOptionsType=getattr(schema.BuiltinOptions, table),
        BuiltinOptions=options,
    )


def _option(operator: Operator, field: str) -> Any:
    value = operator.options.get(snake(field))
    if value is None or field not in NAMED_OPTIONS:
        return value
    return next(code for code, name in NAMED_OPTIONS[field].items() if name == value)


def _code(operator: Operator, graph: Graph) -> tuple[str, int]:
    """Kind and version."""
    if operator.kind == "FULLY_CONNECTED":
        weights = graph.tensors[operator.inputs[1]].quantization
        if weights is not None and weights.per_channel:
            return operator.kind, PER_CHANNEL_DENSE
    if operator.kind in selection.ORDERS:
        return operator.kind, COMPARED_INT8
    return operator.kind, KINDS[operator.kind].version if operator.kind in KINDS else 1


def _operator_code(b: flatbuffers.Builder, kind: str, version: int) -> int:
    code = getattr(schema.BuiltinOperator, kind)
    return _table(
        b, "OperatorCode",
        DeprecatedBuiltinCode=min(code, OLD_CODES), BuiltinCode=code, Version=version,
    )


def _signature(b: flatbuffers.Builder, graph: Graph) -> int:
    return _table(
        b, "SignatureDef",
        Inputs=_offsets(b, _tensor_maps(b, graph, graph.inputs)),
        Outputs=_offsets(b, _tensor_maps(b, graph, graph.outputs)),
        SignatureKey=b.CreateString(SIGNATURE),
        SubgraphIndex=0,
    )


def _tensor_maps(b: flatbuffers.Builder, graph: Graph, indices: tuple[int, ...]) -> list[int]:
    """Names of tensors for a signature, told apart where they would be the same."""
    maps, taken = [], set()
    for index in indices:
        name = signature_name(graph.tensors[index].name) or f"tensor_{index}"
        name = f"{name}_{index}" if name in taken else name
        taken.add(name)
        maps.append(_table(b, "TensorMap", Name=b.CreateString(name), TensorIndex=index))
    return maps


def _table(b: flatbuffers.Builder, name: str, **fields: Any) -> int:
    """Writes the table ``name``; ``fields`` under their schema names, None left out."""
    table = schema.module_of(name)
    getattr(table, f"{name}Start")(b)
    for field, value in fields.items():
        if value is not None:
            getattr(table, f"{name}Add{field}")(b, value)
    return getattr(table, f"{name}End")(b)


def _offsets(b: flatbuffers.Builder, offsets: list[int]) -> int:
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return b.EndVector()


def _integers(b: flatbuffers.Builder, values: tuple[int, ...]) -> int:
    return b.CreateNumpyVector(np.asarray(values, np.int32))
