"""A .tflite file's bytes as a Graph: structure only, of any types and operators.

The schema classes read what offsets point at and check nothing.  Here every table is checked
before it is read, every vector against the file's length, and the bytes read from vectors are
counted, so that a file in which many tables point at one long vector costs no more time than
the file is long.  What the numbers mean is checked later.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from edgetune.errors import ModelError
from edgetune.model import schema
from edgetune.model.foreign import only_states, several_subgraphs
from edgetune.model.graph import Graph, Operator, Quantization, Tensor
from edgetune.model.kinds import FUSED, OPTIONS
from edgetune.model.size import too_large
from edgetune.printable import one_line

IDENTIFIER = b"TFL3"
MAX_RANK = 8
BLOCKWISE = 2  # of the schema's QuantizationDetails
MAX_TABLES = 8192  # of one kind: tensors, buffers
MAX_OPERATORS = 4096
MAX_INTEGERS = 1 << 18  # in shapes and lists of tensors, all together
MALFORMED = (struct.error, IndexError, ValueError, TypeError, OverflowError)

DTYPES = {
    code: name.lower() for name, code in vars(schema.TensorType).items() if not name.startswith("_")
}
NUMPY_TYPES = {
    "int8": "i1", "uint8": "u1", "int16": "<i2", "int32": "<i4", "int64": "<i8",
    "float16": "<f2", "float32": "<f4",
}
PADDINGS = {0: "SAME", 1: "VALID"}
ACTIVATIONS = {
    code: name
    for name, code in vars(schema.ActivationFunctionType).items()
    if not name.startswith("_")
}
NAMED_OPTIONS = {"Padding": PADDINGS, FUSED: ACTIVATIONS}
EMPTY_TABLE = struct.pack("<HHi", 4, 4, 4)  # at position 4, every field has its default


def corrupt(cause: str) -> ModelError:
    """The error for a file that contradicts itself or the format."""
    return ModelError(
        "The model file is corrupt.",
        cause,
        "Copy or convert the model again, and check that the whole file has arrived.",
    )


def decode(content: bytes) -> Graph:
    """Reads tables and vectors of a .tflite file (TFLite schema, version 3).

    Returns:
        A graph whose tensors may be of any dtype (lower-case schema names) and whose operators
        may be of any kind (``CUSTOM:name`` for custom ones).  A dimension that the file leaves
        open is -1, but for the batch.  Constants are views of ``content``.

    Raises:
        ModelError: not a TFLite file, or malformed.
    """
    if content[4:8] != IDENTIFIER:
        raise ModelError(
            "This is not a TFLite model.",
            "The bytes 4 to 8 of a TFLite file are 'TFL3'; here they are not.",
            "Name a .tflite file.",
        )
    try:
        return _Decoder(content).graph()
    except MALFORMED as error:
        raise corrupt(f"An offset or a length points outside the file ({error}).") from None


class _Decoder:
    def __init__(self, content: bytes):
        self.content = content
        self.budget = 4 * len(content) + 65536
        self.integers_left = MAX_INTEGERS

    def graph(self) -> Graph:
        (root,) = struct.unpack_from("<I", self.content, 0)
        self.check_table(root)
        model = schema.Model.GetRootAs(self.content, 0)
        if model.Version() != 3:
            raise corrupt(f"The schema version is {model.Version()}, not 3.")
        kinds = self.each(model.OperatorCodes, model.OperatorCodesLength(), self.kind)
        subgraphs = self.count(model.SubgraphsLength(), 4)
        if subgraphs == 0:
            raise corrupt("It has no subgraph.")
        if subgraphs > 1 and not only_states(kinds):
            raise several_subgraphs(subgraphs, kinds)
        graph = self.subgraph(model, self.table(model.Subgraphs(0)), kinds)
        graph.other_buffers = frozenset(
            number for i in range(1, subgraphs)
            for number in self.buffers_of(self.table(model.Subgraphs(i)))
        )
        return graph

    def buffers_of(self, subgraph: Any) -> list[int]:
        return self.each(
            subgraph.Tensors, subgraph.TensorsLength(), lambda tensor: tensor.Buffer()
        )

    def subgraph(self, model: Any, subgraph: Any, kinds: list[str]) -> Graph:
        operators = self.each(
            subgraph.Operators, subgraph.OperatorsLength(), self.operator, MAX_OPERATORS
        )
        buffers = self.each(model.Buffers, model.BuffersLength(), self.buffer)
        notes = self.each(model.Metadata, model.MetadataLength(), self.note)
        tensors = self.each(subgraph.Tensors, subgraph.TensorsLength(), self.tensor)
        for index, tensor in enumerate(tensors):
            tensor.index = index
            self.attach_data(tensor, buffers)
        for index, operator in enumerate(operators):
            operator.index = index
            operator.kind = _pick(kinds, operator.kind, "operator code")
            self.attach_options(operator, subgraph.Operators(index))
        inputs = self.integers(subgraph.InputsLength(), subgraph.InputsAsNumpy)
        outputs = self.integers(subgraph.OutputsLength(), subgraph.OutputsAsNumpy)
        metadata = {name: self.data(_pick(buffers, index, "buffer")) for name, index in notes}
        names = self.output_names(model) if len(outputs) > 1 else {}
        return Graph(tensors, operators, inputs, outputs, self.content, metadata=metadata,
                     output_names=names)

    def output_names(self, model: Any) -> dict[int, str]:
        """What the file's signatures call its outputs, by tensor."""
        signatures = self.each(
            model.SignatureDefs, model.SignatureDefsLength(),
            lambda one: self.each(one.Outputs, one.OutputsLength(), self.tensor_name),
        )
        return {tensor: name for pairs in reversed(signatures) for tensor, name in pairs}

    def tensor_name(self, pair: Any) -> tuple[int, str]:
        return pair.TensorIndex(), self.text(pair.Name())

    def buffer(self, buffer: Any) -> tuple[int, int]:
        """Where a buffer's data starts, and its length."""
        if buffer.Offset() > 1:
            raise ModelError(
                "The model's weights lie outside of its flatbuffer.",
                "They stand behind it, as in files above 2 GB; edgetune reads those inside.",
                "Convert again into a file below 2 GB, with the weights inside.",
            )
        length = self.count(buffer.DataLength(), 1)
        if length == 0:
            return 0, 0
        return buffer._tab.Vector(buffer._tab.Offset(4)), length

    def note(self, metadata: Any) -> tuple[str, int]:
        """Name and buffer of one of the file's own notes."""
        return self.text(metadata.Name()), metadata.Buffer()

    def data(self, place: tuple[int, int]) -> bytes:
        offset, length = place
        self.spend(length)
        return self.content[offset : offset + length]

    def kind(self, code: Any) -> str:
        field = code._tab.Offset(10)  # BuiltinCode() itself prefers the deprecated one below 127
        place = code._tab.Pos + field
        new = struct.unpack_from("<i", self.content, place)[0] if field else 0
        number = max(new, code.DeprecatedBuiltinCode())
        if number == schema.BuiltinOperator.CUSTOM:
            return f"CUSTOM:{printable(self.text(code.CustomCode()))}"
        return schema.OPERATORS.get(number, f"BUILTIN_{number}")

    def tensor(self, tensor: Any) -> Tensor:
        shape = self.integers(tensor.ShapeLength(), tensor.ShapeAsNumpy)
        signature = self.integers(tensor.ShapeSignatureLength(), tensor.ShapeSignatureAsNumpy)
        if len(shape) > MAX_RANK:
            raise corrupt(f"A tensor has {len(shape)} dimensions.")
        if shape[:1] == (-1,):  # an open batch is one
            shape = (1, *shape[1:])
        if len(signature) == len(shape):
            shape = (*shape[:1], *(-1 if s < 0 else d for d, s in zip(shape[1:], signature[1:])))
        return Tensor(
            index=-1,
            name=self.text(tensor.Name()),
            shape=shape,
            dtype=self.dtype(tensor),
            quantization=self.quantization(tensor.Quantization()),
            buffer=tensor.Buffer(),
            variable=bool(tensor.IsVariable()),
        )

    def dtype(self, tensor: Any) -> str:
        name = DTYPES.get(tensor.Type(), f"number type {tensor.Type()}")
        if tensor.Sparsity() is not None:
            return f"sparse {name}"
        quantization = tensor.Quantization()
        blocks = quantization is not None and self.table(quantization).DetailsType() == BLOCKWISE
        return f"block-quantised {name}" if blocks else name

    def quantization(self, table: Any) -> Quantization | None:
        if table is None or self.table(table).ScaleLength() == 0:
            return None
        scale = self.array(table.ScaleLength(), table.ScaleAsNumpy)
        zero_point = self.array(table.ZeroPointLength(), table.ZeroPointAsNumpy)
        if len(zero_point) == 0:
            zero_point = np.zeros(len(scale))
        with np.errstate(invalid="ignore"):  # a signalling NaN; what scales mean is checked later
            scale = scale.astype(np.float64)
        return Quantization(scale, zero_point.astype(np.int64), table.QuantizedDimension())

    def operator(self, operator: Any) -> Operator:
        inputs = self.integers(operator.InputsLength(), operator.InputsAsNumpy)
        outputs = self.integers(operator.OutputsLength(), operator.OutputsAsNumpy)
        return Operator(-1, operator.OpcodeIndex(), inputs, outputs)

    def attach_data(self, tensor: Any, buffers: list[tuple[int, int]]) -> None:
        """Gives a constant its data; the lengths have to agree."""
        if tensor.buffer == 0 and not buffers:
            return  # a file without constants may do without buffers
        offset, length = _pick(buffers, tensor.buffer, "buffer")
        if length == 0 or tensor.dtype not in NUMPY_TYPES:
            return
        data = np.frombuffer(self.content, "u1", length, offset).view(NUMPY_TYPES[tensor.dtype])
        if min(tensor.shape, default=1) < 1 or tensor.size != len(data):
            raise corrupt(
                f"Constant {quoted(tensor.name)} has the shape {tensor.shape} "
                f"but {len(data)} elements of data."
            )
        tensor.offset, tensor.data = offset, data.reshape(tensor.shape)

    def attach_options(self, operator: Any, table: Any) -> None:
        if operator.kind not in OPTIONS:
            return
        options = self.options(operator, table)
        for field in OPTIONS[operator.kind].fields:
            value = getattr(options, field)()
            if field in NAMED_OPTIONS:
                value = NAMED_OPTIONS[field].get(value, f"{field} {value}")
            operator.options[snake(field)] = value

    def options(self, operator, table):
        """The kind's options table; one of defaults where the kind may do without."""
        name, _, needed = OPTIONS[operator.kind]
        options, kind = getattr(schema, name)(), table.BuiltinOptionsType()
        if kind == 0 and not needed:
            options.Init(EMPTY_TABLE, 4)
            return options
        if kind != getattr(schema.BuiltinOptions, name):
            raise corrupt(f"Operator {operator.index} {operator.kind} lacks its options ({name}).")
        union = table.BuiltinOptions()
        if union is None:
            raise corrupt(f"Operator {operator.index} {operator.kind} has empty options.")
        self.check_table(union.Pos)
        options.Init(union.Bytes, union.Pos)
        return options

    # ---- what everything is read through

    def each(
        self, get: Callable[..., Any], count: int, read: Callable[[Any], Any],
        most: int = MAX_TABLES,
    ) -> list:
        """``read`` of every table of a vector."""
        if self.count(count, 4) > most:
            raise too_large(f"It has a list of {count} tables; edgetune reads {most}.")
        return [read(self.table(get(i))) for i in range(count)]

    def table(self, table):
        self.check_table(table._tab.Pos)
        return table

    def check_table(self, position: int) -> None:
        """Table, vtable and every field's offset lie inside the file."""
        end = len(self.content)
        (back,) = struct.unpack_from("<i", self.content, position)
        start = position - back
        if start < 0:
            raise corrupt("A vtable lies before the file's start.")
        size, table_size = struct.unpack_from("<HH", self.content, start)
        if size < 4 or size % 2 or start + size > end or position + table_size > end:
            raise corrupt("A table or its vtable reaches past the file's end.")
        self.spend(size)
        fields = struct.unpack_from(f"<{(size - 4) // 2}H", self.content, start + 4)
        if max(fields, default=0) >= max(table_size, 1):
            raise corrupt("A field lies outside its table.")

    def count(self, count: int, size: int) -> int:
        """``count``, if a vector of that many elements of ``size`` bytes can be in the file."""
        if count * size > len(self.content):
            raise corrupt("A vector is longer than the file.")
        self.spend(count * size)
        return count

    def spend(self, count: int, integers: int = 0) -> None:
        self.budget -= count
        self.integers_left -= integers
        if self.budget < 0 or self.integers_left < 0:
            raise corrupt("Its tables share vectors so often that reading it would not end.")

    def array(self, count: int, get: Callable[..., Any]) -> np.ndarray:
        return get() if self.count(count, 8) else np.zeros(0)

    def integers(self, count: int, get: Callable[..., Any]) -> tuple[int, ...]:
        self.spend(0, integers=count)
        return tuple(int(i) for i in self.array(count, get))

    def text(self, name: bytes | None) -> str:
        name = name or b""
        self.spend(len(name))
        return name.decode("utf-8", errors="replace")


def quoted(name: str) -> str:
    """A tensor's name for a message: TensorFlow joins many into one, the first will do."""
    name = name.split(";")[0]
    return repr(name if len(name) <= 80 else name[:77] + "...")


def printable(name: str) -> str:
    """A name for a message, without characters that steer a terminal."""
    return one_line(name[:80])


def _pick(items: list, index: int, what: str) -> Any:
    if not 0 <= index < len(items):
        raise corrupt(f"There is no {what} {index}; the file has {len(items)}.")
    return items[index]


def snake(name: str) -> str:
    """A schema field's name as options carry it: ``StrideH`` is ``stride_h``."""
    return re.sub(r"(?<=.)(?=[A-Z])", "_", name).lower()
