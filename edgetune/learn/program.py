"""The Program: a Graph lowered to integers, the one form that every engine runs.

All constants that the arithmetic needs (multipliers, shifts, tables, channel ratios) are
worked out once, when a Graph is lowered; the numpy engine and the generated C take them as
they are.  ``docs/numerics.md`` sections 2 to 4.  The operators are in
``edgetune/learn/operators``, one file each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.model.graph import Graph

if TYPE_CHECKING:
    from edgetune.learn.losses import Loss

NO_CLIP_LOW, NO_CLIP_HIGH = -129, 128
Shape = tuple[int, int, int]


@dataclass(eq=False)
class Activation:
    """An int8 activation tensor of shape (height, width, channels), ``real = scale *
    (value - zero_point)``.

    The gradient is zero where ``value <= clip_low`` or ``value >= clip_high``: there the
    producer's fused activation clipped.  Without one the bounds lie outside int8.
    ``storage`` is the activation whose memory it shares: itself, unless it is a view, as a
    RESHAPE makes one.  ``constant`` holds the values of one that the model itself brings.
    """

    name: str
    shape: Shape
    scale: float
    zero_point: int
    clip_low: int = NO_CLIP_LOW
    clip_high: int = NO_CLIP_HIGH
    storage: int = -1
    constant: np.ndarray | None = None

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def clips(self) -> bool:
        """Whether a value of int8 can lie at a bound."""
        return self.clip_low > NO_CLIP_LOW or self.clip_high < NO_CLIP_HIGH


@dataclass(eq=False)
class Layer:
    """One lowered operator: reads activation ``input``, writes activation ``output``.

    Forward and backward work on int64 arrays of int8 values, [height, width, channels].
    ``kind`` is the engine's name for the class; ``weighted``: it holds weights that can learn;
    ``joining``: it may read several activations, so that its input error is told which one;
    ``error_reads_input``: its input error depends on the input's values, not only the mask;
    ``by_value``: its kernels in C are done with an input value by value, forward and backward.
    """

    name: str
    operator: int  # index in the Graph
    input: int
    output: int

    kind: ClassVar[str] = ""
    weighted: ClassVar[bool] = False
    joining: ClassVar[bool] = False
    error_reads_input: ClassVar[bool] = False
    by_value: ClassVar[bool] = False

    @property
    def inputs(self) -> tuple[int, ...]:
        """All activations that it reads, ``input`` first."""
        return (self.input,)

    def forward(self, xs: Sequence[np.ndarray], out_shape: Shape) -> np.ndarray:
        """The output of ``out_shape``, from the values of ``inputs``."""
        raise TypeError(f"{self.kind} does not run")

    def error_operands(self, operand: int) -> tuple[int, ...]:
        """The inputs whose values `input_error` looks at, ``operand`` itself first."""
        return (operand,)

    def input_error(self, operand: int, e: np.ndarray, xs: Sequence[np.ndarray]) -> np.ndarray:
        """v of docs/numerics.md section 4 for input ``operand``, of its shape, before mask and
        normalisation; ``e`` holds the mantissas of the output's error."""
        raise TypeError(f"{self.kind} passes no error back")

    def input_unit(self, operand: int, xs: Sequence[Activation], y: Activation) -> float:
        """The unit of `input_error` over the unit of ``e``, both with the exponent of ``e``."""
        raise TypeError(f"{self.kind} passes no error back")


@dataclass(frozen=True)
class Window:
    """A sliding window: kernel, stride, padding before the first row and column, and the
    distance from tap to tap; each in (height, width)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    dilation: tuple[int, int] = (1, 1)


@dataclass(eq=False)
class Program:
    """Activations and layers in order; ``logits`` is the activation that the loss reads.

    A sample holds the values of all ``inputs``, one after another.
    """

    activations: list[Activation]
    layers: list[Layer]
    inputs: tuple[int, ...]
    output: int
    logits: int
    loss: Loss
    graph: Graph = field(repr=False)

    @property
    def input(self) -> int:
        """The input, the first of several."""
        return self.inputs[0]

    @property
    def input_size(self) -> int:
        """Elements of a sample."""
        return sum(self.activations[i].size for i in self.inputs)

    @property
    def classes(self) -> int:
        return self.activations[self.logits].size

    @property
    def weighted_layers(self) -> list:
        """The layers that hold weights (`edgetune.learn.operators.WeightedLayer`)."""
        return [layer for layer in self.layers if layer.weighted]

    def storage(self, index: int) -> int:
        """The activation that holds the memory of activation ``index``."""
        return self.activations[index].storage


def exponential_table(scale: float) -> np.ndarray:
    """uint32 ``round(2**30 * exp(-k * scale))`` for k = 0 .. 255, trailing zeros dropped."""
    table = np.rint(2.0**30 * np.exp(-np.arange(256) * scale)).astype(np.uint32)
    return table[: np.count_nonzero(table)]
