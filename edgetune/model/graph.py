"""The int8 model in memory: tensors, operators, scales.

Names follow the TFLite schema.  Shapes are NHWC with a batch of one.
"""

from __future__ import annotations

import math
from dataclasses import field

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.model.inputs import packed, signature_name
from edgetune.model.kinds import JOINING, KINDS


@dataclass(frozen=True)
class Quantization:
    """``real = scale * (q - zero_point)``; one scale a tensor, or one a channel along ``axis``.

    ``scale`` is a float64 array holding the file's float32 values; ``zero_point`` an int64
    array of the same length.
    """

    scale: np.ndarray
    zero_point: np.ndarray
    axis: int = 0

    @property
    def per_channel(self) -> bool:
        return len(self.scale) > 1


@dataclass(frozen=True)
class OtherOutput:
    """An output of the file beside the one that is trained: its tensor, and the indices of the
    operators that it depends on."""

    name: str
    tensor: int
    needs: frozenset[int]


Place = tuple[int, int]  # an operator's index in the file, and the number of one of its inputs


@dataclass
class Tensor:
    """One tensor: ``data`` is None for activations, an array of ``dtype`` for constants.

    ``data`` is a read-only view of the file's content: copy it before changing it.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str  # "int8", "int32"
    quantization: Quantization | None = None
    data: np.ndarray | None = None
    buffer: int = 0  # index of the TFLite buffer that holds ``data``
    offset: int = 0  # where in the file ``data`` starts, in bytes
    variable: bool = False  # keeps its values from one call to the next
    folded: bool = False  # ``data`` was worked out while reading and is not in the file
    made: bool = False  # while reading: it is none of the file's tensors
    parts: tuple[Tensor, ...] = ()  # the inputs that it stands for (``inputs``)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def values(self) -> np.ndarray:
        """``data`` of a tensor that is a constant."""
        assert self.data is not None, f"{self.name} is not a constant"
        return self.data

    @property
    def grid(self) -> Quantization:
        """``quantization`` of a tensor that is checked to have one."""
        assert self.quantization is not None, f"{self.name} has no scale"
        return self.quantization


@dataclass
class Operator:
    """One operator.  ``inputs`` and ``outputs`` are tensor indices, -1 for an absent input.

    ``kind`` is TFLite's name (``CONV_2D``); ``options`` holds the builtin options under their
    schema names in snake case (``stride_h``, ``padding`` as "SAME"/"VALID",
    ``fused_activation_function`` as "NONE"/"RELU"/"RELU6", ``depth_multiplier``,
    ``filter_height``, ``beta``, ``keep_dims`` ...).
    """

    index: int
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict = field(default_factory=dict)

    @property
    def operands(self) -> tuple[int, ...]:
        """The inputs that are activations, or constants in the place of one."""
        place = self._data
        return self.inputs if self.kind in JOINING else self.inputs[place : place + 1]

    @property
    def parameters(self) -> tuple[int, ...]:
        """The other inputs."""
        place = self._data
        return () if self.kind in JOINING else self.inputs[:place] + self.inputs[place + 1 :]

    @property
    def is_complete(self) -> bool:
        """Whether it has as many inputs and outputs as its kind takes, all of them present."""
        kind = KINDS.get(self.kind)
        least, most = kind.inputs if kind else (1, 1)
        fewest, many = kind.outputs if kind else (1, 1)
        return (
            least <= len(self.inputs) <= most and fewest <= len(self.outputs) <= many
            and min(self.inputs, default=0) >= 0
        )

    @property
    def _data(self) -> int:
        return KINDS[self.kind].data if self.kind in KINDS else 0


@dataclass
class Graph:
    """A whole model.  ``content`` is the file it was read from, byte for byte.

    ``file_inputs`` and ``file_outputs`` are those of the file, which may lie outside of
    ``inputs`` and ``outputs``: behind a QUANTIZE or DEQUANTIZE that was left out.
    ``metadata``: the file's own notes, by name.  ``folded``: operators of the file that were
    worked out while reading it.  ``output_names``: what a signature calls outputs, by tensor.

    Of a file with several outputs ``outputs`` is the one that was chosen, the file's number
    ``output_number``; ``cut``: the operators that only the others need.  ``decoding``: kinds of
    those at the end that are cut as well (``decoding``), whose outputs are none of the graph's.
    ``frames``: of a streaming model (``streaming``), those of its window and those that one call
    of the file takes; what keeps its states is ``cut``.  ``other_buffers``: those of the file that
    other subgraphs read.
    """

    tensors: list[Tensor]
    operators: list[Operator]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    content: bytes = b""
    sha256: str = ""
    file_inputs: tuple[int, ...] = ()
    file_outputs: tuple[int, ...] = ()
    metadata: dict[str, bytes] = field(default_factory=dict)
    folded: list[Operator] = field(default_factory=list)
    output_names: dict[int, str] = field(default_factory=dict)
    output_number: int = 0
    other_outputs: tuple[OtherOutput, ...] = ()
    cut: list[Operator] = field(default_factory=list)
    decoding: tuple[str, ...] = ()
    frames: tuple[int, int] | None = None
    other_buffers: frozenset[int] = frozenset()

    def __repr__(self) -> str:
        """In one line: a notebook shows it."""
        shapes = ", ".join(str(list(tensor.shape)) for tensor in self.input_tensors)
        return (
            f"<Graph: {len(self.operators)} operators, from {shapes} to {list(self.output.shape)}>"
        )

    @property
    def input(self) -> Tensor:
        """What a sample is: the input, or all of them packed (``inputs``)."""
        return packed(self.input_tensors, self.input_names)

    @property
    def input_tensors(self) -> list[Tensor]:
        """The inputs, each by itself."""
        return [self.tensors[i] for i in self.inputs]

    @property
    def input_names(self) -> list[str]:
        """What the file calls its inputs, without TensorFlow's frame."""
        return [signature_name(self.tensors[i].name) for i in self.file_inputs or self.inputs]

    @property
    def output(self) -> Tensor:
        return self.tensors[self.outputs[0]]

    @property
    def output_name(self) -> str:
        """What the file calls its output: in a signature, else its tensor."""
        index = (self.file_outputs or self.outputs)[0]
        return self.output_names.get(index, self.tensors[index].name)

    @property
    def choice(self) -> int | None:
        """What names the output where the file is read again; None of a file with one."""
        return self.output_number if self.other_outputs else None

    @property
    def hash32(self) -> int:
        """First four bytes of the file's SHA-256, little-endian: what the firmware reports."""
        return int.from_bytes(bytes.fromhex(self.sha256)[:4], "little")
