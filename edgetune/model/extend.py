"""Tensors and buffers added to a .tflite file that is otherwise left as it is.

A flatbuffer points forward only, and relative to the place of the pointer.  So what is new can
stand before the old file and point into it:

    header | new tables and vectors | the old file, byte for byte

The new tables are the Model, its SubGraph and the Operators with other inputs, copied with all
their fields; the new vectors list the old tensors, operators and buffers and those added.  What
these do not replace keeps its bytes: names, options, notes, what is not known here; so do the
signatures, unless an input is dropped.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Any

import flatbuffers

from edgetune.errors import ModelError
from edgetune.model import schema
from edgetune.model.decode import IDENTIFIER
from edgetune.model.encode import ALIGNMENT, buffer_table, tensor_table
from edgetune.model.graph import Tensor

POINTER = struct.Struct("<I")
WIDEST = 8  # bytes of the largest scalar in a table

# Fields by their number in the schema's table: how many there are, and which are pointers.
MODEL = 8, (1, 2, 3, 4, 5, 6, 7)
SUBGRAPHS, BUFFERS, SIGNATURES = 2, 4, 7
SIGNATURE = 5, (0, 1, 2)
SUBGRAPH = 6, (0, 1, 2, 3, 4)
TENSORS, OPERATORS = 0, 3
OPERATOR = 14, (1, 2, 4, 5, 7, 8, 12)
INPUTS, OUTPUTS = 1, 2  # of an operator, and of a subgraph
SIGNATURE_INPUTS = 0
TENSOR_BUFFER = 2


class Extension:
    """A file that ``decode`` has read, and what is added to it.

    Args:
        content: the file; its data may have changed since it was read.
    """

    def __init__(self, content: bytes):
        self.content = bytearray(content)
        model = schema.Model.GetRootAs(content, 0)
        subgraph = model.Subgraphs(0)
        self.model, self.subgraph = model._tab.Pos, subgraph._tab.Pos
        self.subgraphs = _positions(model.Subgraphs, model.SubgraphsLength())
        self.tensors = _positions(subgraph.Tensors, subgraph.TensorsLength())
        self.operators = _positions(subgraph.Operators, subgraph.OperatorsLength())
        self.buffers = _positions(model.Buffers, model.BuffersLength())
        self.new_tensors: list[bytes] = []
        self.new_buffers: list[bytes] = []
        self.new_inputs: dict[int, list[int]] = {}
        self.inputs = subgraph.InputsAsNumpy().tolist() if subgraph.InputsLength() else []
        self.dropped: set[int] = set()
        self.outputs: list[int] | None = None  # others than the file's

    def add_tensor(self, tensor: Tensor, data: bytes) -> int:
        """A new tensor with a buffer of its own; its index."""
        b = flatbuffers.Builder(256)
        b.Finish(tensor_table(b, tensor, self._add_buffer(data)))
        self.new_tensors.append(bytes(b.Output()))
        return len(self.tensors) + len(self.new_tensors) - 1

    def _add_buffer(self, data: bytes) -> int:
        b = flatbuffers.Builder(256)
        b.Finish(buffer_table(b, data))
        self.new_buffers.append(bytes(b.Output()))
        return len(self.buffers) + len(self.new_buffers) - 1

    def move_tensor(self, index: int, data: bytes) -> bool:
        """Gives a tensor of the file a buffer of its own.

        False where that cannot be: another tensor is the same table, or it names no buffer.
        """
        table = self.tensors[index]
        place = fields_of(self.content, table).get(TENSOR_BUFFER)
        if place is None or self.tensors.count(table) > 1:
            return False
        POINTER.pack_into(self.content, place, self._add_buffer(data))
        return True

    def connect(self, operator: int, place: int, tensor: int) -> None:
        """Makes ``tensor`` the input number ``place`` of an operator, absent ones before it."""
        inputs = self.new_inputs.setdefault(operator, self._inputs(operator))
        inputs += [-1] * (place + 1 - len(inputs))
        inputs[place] = tensor

    def drop_input(self, tensor: int) -> None:
        """Takes a tensor from the inputs of the model and of its signatures."""
        self.dropped.add(tensor)

    def end_at(self, outputs: Iterable[int], operators: Iterable[int]) -> None:
        """Gives the model other outputs, and of its operators those of these numbers alone; none
        of them may be connected anew."""
        self.outputs = list(outputs)
        self.operators = [self.operators[number] for number in operators]

    def _inputs(self, operator: int) -> list[int]:
        table = schema.Operator()
        table.Init(self.content, self.operators[operator])
        return table.InputsAsNumpy().tolist()

    def build(self) -> bytes:
        """The file, with what was added.

        Raises:
            ModelError: it has fields of a newer schema, which cannot be copied.
        """
        if not self.new_buffers and self.outputs is None:
            return bytes(self.content)
        start = len(self._front(0))  # the same wherever the old file starts
        return self._front(start) + bytes(self.content)

    def _front(self, start: int) -> bytes:
        """All that stands before the old file, which starts at ``start``."""
        front = _Front(self.content, start)
        model, fields = front.copy(self.model, *MODEL)
        front.point(0, model)
        subgraphs = front.pointers(fields[SUBGRAPHS], self.subgraphs, 0)
        subgraph, inner = front.copy(self.subgraph, *SUBGRAPH)
        front.point(subgraphs, subgraph)
        tensors = front.pointers(inner[TENSORS], self.tensors, len(self.new_tensors))
        operators = front.pointers(inner[OPERATORS], self.operators, 0)
        buffers = front.pointers(fields[BUFFERS], self.buffers, len(self.new_buffers))
        for index, inputs in self.new_inputs.items():
            operator, places = front.copy(self.operators[index], *OPERATOR)
            front.point(operators + POINTER.size * index, operator)
            front.integers(places[INPUTS], inputs)
        if self.outputs is not None:
            front.integers(inner[OUTPUTS], self.outputs)
        if self.dropped:
            front.integers(inner[INPUTS], [i for i in self.inputs if i not in self.dropped])
            self._copy_signatures(front, fields)
        front.add(tensors + POINTER.size * len(self.tensors), self.new_tensors)
        front.add(buffers + POINTER.size * len(self.buffers), self.new_buffers)
        return front.finished()

    def _copy_signatures(self, front: _Front, fields: dict[int, int]) -> None:
        """All signatures, without the inputs that are dropped."""
        model = schema.Model.GetRootAs(self.content, 0)
        if SIGNATURES not in fields:
            return
        tables = _positions(model.SignatureDefs, model.SignatureDefsLength())
        first = front.pointers(fields[SIGNATURES], tables, 0)
        for number, position in enumerate(tables):
            signature = model.SignatureDefs(number)
            kept = [
                place for i, place in enumerate(_positions(signature.Inputs,
                                                           signature.InputsLength()))
                if signature.Inputs(i).TensorIndex() not in self.dropped
            ]
            table, places = front.copy(position, *SIGNATURE)
            front.point(first + POINTER.size * number, table)
            if SIGNATURE_INPUTS in places:
                front.pointers(places[SIGNATURE_INPUTS], kept, 0)


class _Front:
    """The bytes before an old file that starts at ``start``; positions are the new file's."""

    def __init__(self, old: bytearray, start: int):
        self.old, self.start = old, start
        self.bytes = bytearray(POINTER.size) + IDENTIFIER

    def point(self, place: int, target: int) -> None:
        """Writes a pointer to ``target``."""
        POINTER.pack_into(self.bytes, place, target - place & 0xFFFFFFFF)

    def put(self, content: bytes | bytearray, alignment: int, remainder: int = 0) -> int:
        """Appends bytes at a position that is ``remainder`` modulo ``alignment``."""
        self.bytes += bytes((remainder - len(self.bytes)) % alignment)
        self.bytes += content
        return len(self.bytes) - len(content)

    def vector(self, field: int, count: int, numbers: bytes = b"") -> int:
        """A vector of ``count`` numbers of four bytes, which ``field`` points at; where its
        first one stands."""
        content = POINTER.pack(count) + numbers.ljust(POINTER.size * count, b"\0")
        position = self.put(content, POINTER.size)
        self.point(field, position)
        return position + POINTER.size

    def integers(self, field: int, values: list[int]) -> None:
        self.vector(field, len(values), struct.pack(f"<{len(values)}i", *values))

    def pointers(self, field: int, old: list[int], more: int) -> int:
        """A vector of pointers to tables of the old file, with room for ``more``."""
        first = self.vector(field, len(old) + more)
        for number, position in enumerate(old):
            self.point(first + POINTER.size * number, self.start + position)
        return first

    def add(self, place: int, tables: list[bytes]) -> None:
        """Flatbuffers of one table each; the pointers from ``place`` on point at the tables."""
        for number, content in enumerate(tables):
            position = self.put(content, ALIGNMENT)
            (root,) = POINTER.unpack_from(content)
            self.point(place + POINTER.size * number, position + root)

    def copy(self, table: int, known: int, pointers: tuple[int, ...]) -> tuple[int, dict]:
        """A table of the old file with the same fields: its position, and where they stand."""
        old = fields_of(self.old, table)
        if max(old) >= known:
            raise not_writable("It has fields of a newer TFLite schema than edgetune knows.")
        (back,) = struct.unpack_from("<i", self.old, table)
        _, size = struct.unpack_from("<HH", self.old, table - back)
        position = self.put(self.old[table : table + size], WIDEST, table % WIDEST)
        struct.pack_into("<i", self.bytes, position, position - (self.start + table - back))
        for field in old.keys() & set(pointers):
            (offset,) = POINTER.unpack_from(self.old, old[field])
            self.point(position + old[field] - table, self.start + old[field] + offset)
        return position, {field: position + place - table for field, place in old.items()}

    def finished(self) -> bytes:
        self.put(b"", ALIGNMENT)
        return bytes(self.bytes)


def fields_of(content: bytes | bytearray, table: int) -> dict[int, int]:
    """Where the fields stand that a table has, by number."""
    (back,) = struct.unpack_from("<i", content, table)
    (size,) = struct.unpack_from("<H", content, table - back)
    offsets = struct.unpack_from(f"<{(size - 4) // 2}H", content, table - back + 4)
    return {number: table + offset for number, offset in enumerate(offsets) if offset}


def _positions(get: Callable[[int], Any], count: int) -> list[int]:
    """Where the tables of a vector stand."""
    return [get(i)._tab.Pos for i in range(count)]


def not_writable(cause: str) -> ModelError:
    """The error for a file that cannot hold what is trained."""
    return ModelError(
        "The trained network could not be written into this model file.",
        cause,
        "Convert the model again, with a bias of its own for every layer, or train other layers.",
    )
