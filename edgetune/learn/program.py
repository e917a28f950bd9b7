"""The Program: a Graph lowered to integers, the one form that every engine runs.

All constants that the arithmetic needs (multipliers, shifts, tables, channel ratios) are
worked out once, by ``edgetune/learn/lower``; the numpy engine and the generated C take them as
they are.  ``docs/numerics.md`` sections 2 and 3.

Programs, layers and activations compare by identity: ``layer in trained`` asks for this very
layer, never for one that happens to look like it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from edgetune.model.graph import Graph

NO_CLIP_LOW, NO_CLIP_HIGH = -129, 128


@dataclass(eq=False)
class Activation:
    """An int8 activation tensor of shape (height, width, channels).

    The gradient is zero where ``value <= clip_low`` or ``value >= clip_high``: there the
    producer's fused activation clipped.  Without one the bounds lie outside int8.
    ``storage`` is the activation whose memory it shares: itself, unless it is a view, as a
    RESHAPE makes one.  ``constant`` holds the values of one that the model itself brings.
    """

    name: str
    shape: tuple[int, int, int]
    zero_point: int
    clip_low: int = NO_CLIP_LOW
    clip_high: int = NO_CLIP_HIGH
    storage: int = -1
    constant: np.ndarray | None = None

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))


@dataclass(eq=False)
class Layer:
    """One lowered operator: reads activation ``input``, writes activation ``output``.

    ``kind`` is the engine's name for the class.
    """

    name: str
    operator: int  # index in the Graph
    input: int
    output: int

    kind = ""
    weighted = False

    @property
    def inputs(self) -> tuple[int, ...]:
        """All activations that it reads, ``input`` first."""
        return (self.input,)


@dataclass
class Window:
    """A sliding window: kernel, stride, padding before the first row and column, and the
    distance from tap to tap; each in (height, width)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    dilation: tuple[int, int] = (1, 1)


@dataclass(eq=False)
class WeightedLayer(Layer):
    """A layer with weights and biases.

    ``weights`` int8 in TFLite's order, ``bias`` int32 [out], ``multiplier`` and ``shift``
    int32 [out] (requantisation), ``ratio`` uint16 [out]: weight scale over the largest one in
    Q15, or None where one scale serves all channels.  ``tensors``: Graph indices of weights
    and bias (-1: the model has no bias, one of zeros stands in and cannot be written back).
    """

    weights: np.ndarray
    bias: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray
    ratio: np.ndarray | None
    input_zero_point: int
    output_zero_point: int
    activation_min: int
    activation_max: int
    tensors: tuple[int, int]

    weighted = True

    @property
    def rows(self) -> int:
        """Number of output channels."""
        return len(self.bias)

    @property
    def row_size(self) -> int:
        """Weights of one output channel."""
        return self.weights.size // self.rows


@dataclass(eq=False)
class Conv2D(WeightedLayer):
    """Weights [out, kh, kw, in]."""

    window: Window = None

    kind = "conv_2d"


@dataclass(eq=False)
class DilatedConv2D(Conv2D):
    """The taps of its window lie apart."""

    kind = "conv_2d_dilated"


@dataclass(eq=False)
class DepthwiseConv2D(WeightedLayer):
    """Weights [kh, kw, out], out = in * ``multiplicity``."""

    window: Window = None
    multiplicity: int = 1

    kind = "depthwise_conv_2d"


@dataclass(eq=False)
class DilatedDepthwiseConv2D(DepthwiseConv2D):
    """The taps of its window lie apart."""

    kind = "depthwise_conv_2d_dilated"


@dataclass(eq=False)
class FullyConnected(WeightedLayer):
    """Weights [out, in]."""

    kind = "fully_connected"


@dataclass(eq=False)
class MaxPool2D(Layer):
    window: Window
    activation_min: int
    activation_max: int

    kind = "max_pool_2d"


@dataclass(eq=False)
class AveragePool2D(Layer):
    window: Window
    activation_min: int
    activation_max: int

    kind = "average_pool_2d"


@dataclass(eq=False)
class Mean(Layer):
    """Mean over height and width, requantised: multiplier includes 1 / (height * width)."""

    multiplier: int
    shift: int
    input_zero_point: int
    output_zero_point: int

    kind = "mean"


@dataclass(eq=False)
class Pad(Layer):
    """Spatial zero padding: ``before`` and ``after`` in (height, width)."""

    before: tuple[int, int]
    after: tuple[int, int]
    value: int

    kind = "pad"


@dataclass(eq=False)
class StridedSlice(Layer):
    """A crop of ``source`` (height, width, channels) that starts at ``begin`` and has the shape
    ``size``, all of three axes."""

    source: tuple[int, int, int]
    begin: tuple[int, int, int]
    size: tuple[int, int, int]

    kind = "strided_slice"


@dataclass(eq=False)
class Lookup(Layer):
    """Any function of one value: int8 ``table[x + 128]``."""

    table: np.ndarray

    kind = "lookup"


@dataclass
class Term:
    """One operand of a sum, on the sum's scale: ``sign * multiply((x - zero_point) << 20)``."""

    zero_point: int
    multiplier: int
    shift: int
    sign: int = 1


@dataclass(eq=False)
class Add(Layer):
    """ADD and SUB.  Activation ``other`` repeats where it is the smaller one."""

    other: int
    terms: tuple[Term, Term]
    multiplier: int
    shift: int
    output_zero_point: int
    activation_min: int
    activation_max: int

    kind = "add"

    @property
    def inputs(self) -> tuple[int, ...]:
        return self.input, self.other


@dataclass(eq=False)
class Mul(Layer):
    """MUL.  Activation ``other`` repeats where it is the smaller one."""

    other: int
    zero_points: tuple[int, int]
    multiplier: int
    shift: int
    output_zero_point: int
    activation_min: int
    activation_max: int

    kind = "mul"

    @property
    def inputs(self) -> tuple[int, ...]:
        return self.input, self.other


@dataclass(eq=False)
class Concatenation(Layer):
    """``outer`` times a chunk of each input in turn, ``chunks`` their lengths."""

    others: tuple[int, ...]
    outer: int
    chunks: tuple[int, ...]

    kind = "concatenation"

    @property
    def inputs(self) -> tuple[int, ...]:
        return self.input, *self.others


@dataclass(eq=False)
class Softmax(Layer):
    """Output softmax; ``table[k] = round(2**30 * exp(-k * beta * scale))``."""

    table: np.ndarray

    kind = "softmax"


@dataclass(eq=False)
class Program:
    """Activations and layers in order; ``logits`` is the activation that the loss reads."""

    activations: list[Activation]
    layers: list[Layer]
    input: int
    output: int
    logits: int
    loss_table: np.ndarray
    graph: Graph = field(repr=False, default=None)

    @property
    def classes(self) -> int:
        return self.activations[self.logits].size

    @property
    def weighted_layers(self) -> list[WeightedLayer]:
        return [layer for layer in self.layers if layer.weighted]


def exponential_table(scale: float) -> np.ndarray:
    """uint32 ``round(2**30 * exp(-k * scale))`` for k = 0 .. 255, trailing zeros dropped."""
    table = np.rint(2.0**30 * np.exp(-np.arange(256) * scale)).astype(np.uint32)
    return table[: np.count_nonzero(table)]
