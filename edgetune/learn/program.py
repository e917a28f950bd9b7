"""The Program: a Graph lowered to integers, the one form that every engine runs.

All constants that the arithmetic needs (multipliers, shifts, tables, channel ratios) are
worked out here once; the numpy engine and the generated C take them as they are.
``docs/numerics.md`` sections 2 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from edgetune.errors import ModelError
from edgetune.learn.fixedpoint import quantize_multiplier
from edgetune.model.graph import Graph, Operator

NO_CLIP_LOW, NO_CLIP_HIGH = -129, 128


@dataclass
class Activation:
    """An int8 activation tensor of shape (height, width, channels).

    The gradient is zero where ``value <= clip_low`` or ``value >= clip_high``: there the
    producer's fused activation clipped.  Without one the bounds lie outside int8.
    ``storage`` is the activation whose memory it shares: itself, unless a RESHAPE made it.
    """

    name: str
    shape: tuple[int, int, int]
    zero_point: int
    clip_low: int = NO_CLIP_LOW
    clip_high: int = NO_CLIP_HIGH
    storage: int = -1

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))


@dataclass
class Layer:
    """One lowered operator: reads activation ``input``, writes activation ``output``."""

    name: str
    operator: int  # index in the Graph
    input: int
    output: int

    weighted = False


@dataclass
class Window:
    """A sliding window: kernel, stride and padding before the first row and column."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]


@dataclass
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


@dataclass
class Conv2D(WeightedLayer):
    """Weights [out, kh, kw, in]."""

    window: Window = None


@dataclass
class DepthwiseConv2D(WeightedLayer):
    """Weights [kh, kw, out], out = in * ``multiplicity``."""

    window: Window = None
    multiplicity: int = 1


@dataclass
class FullyConnected(WeightedLayer):
    """Weights [out, in]."""


@dataclass
class MaxPool2D(Layer):
    window: Window
    activation_min: int
    activation_max: int


@dataclass
class AveragePool2D(Layer):
    window: Window
    activation_min: int
    activation_max: int


@dataclass
class Mean(Layer):
    """Mean over height and width, requantised: multiplier includes 1 / (height * width)."""

    multiplier: int
    shift: int
    input_zero_point: int
    output_zero_point: int


@dataclass
class Pad(Layer):
    """Spatial zero padding: ``before`` and ``after`` in (height, width)."""

    before: tuple[int, int]
    after: tuple[int, int]
    value: int


@dataclass
class Softmax(Layer):
    """Output softmax; ``table[k] = round(2**30 * exp(-k * beta * scale))``."""

    table: np.ndarray


@dataclass
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


def mean_multiplier(real: float, count: int) -> tuple[int, int]:
    """Multiplier and shift for ``real / count``, the division rounded down as TFLite does."""
    multiplier, shift = quantize_multiplier(real)
    room = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << room) // count, shift - room


def lower(graph: Graph) -> Program:
    """Lower ``graph`` to a Program.

    RESHAPE becomes an alias, and a PAD whose only reader is a convolution with VALID padding
    becomes that convolution's own padding.

    Raises:
        ModelError: the operators do not form a chain from the input to the output.
    """
    return _Lowering(graph).run()


class _Lowering:
    def __init__(self, graph: Graph):
        self.graph = graph
        self.activations: list[Activation] = []
        self.layers: list[Layer] = []
        self.of_tensor: dict[int, int] = {}  # Graph tensor -> activation
        self.folded_pads: dict[int, Operator] = {}  # activation -> PAD folded into its reader
        self.readers = {
            t: [op for op in graph.operators if t in op.inputs] for t in range(len(graph.tensors))
        }

    def run(self) -> Program:
        self._check_chain()
        start = self._new_activation(self.graph.inputs[0])
        for op in self.graph.operators:
            getattr(self, "_" + op.kind.lower())(op)
        output = self.of_tensor[self.graph.outputs[0]]
        last = self.layers[-1]
        logits = last.input if isinstance(last, Softmax) else output
        scale = self._logits_scale()
        return Program(
            self.activations, self.layers, start, output, logits, exponential_table(scale),
            self.graph,
        )

    def _check_chain(self):
        expected = self.graph.inputs[0]
        for op in self.graph.operators:
            if op.inputs[0] != expected:
                raise ModelError(
                    f"operator {op.index} ({op.kind}) does not read the operator before it",
                    "edgetune runs models whose operators form one chain",
                    "remove the side branches, or cut the model where it becomes a chain",
                )
            expected = op.outputs[0]
        if expected != self.graph.outputs[0] or not self.graph.operators:
            raise ModelError(
                "the last operator does not make the model's output",
                "edgetune runs models whose operators form one chain",
                "export the model with its last operator's tensor as the output",
            )

    def _logits_scale(self) -> float:
        op = next(
            (o for o in reversed(self.graph.operators) if o.kind not in ("SOFTMAX", "RESHAPE")),
            self.graph.operators[-1],
        )
        return float(self.graph.tensors[op.outputs[0]].quantization.scale[0])

    # -- tensors ---------------------------------------------------------------------------

    def _new_activation(self, tensor: int, clip=(NO_CLIP_LOW, NO_CLIP_HIGH)) -> int:
        t = self.graph.tensors[tensor]
        shape = tuple(t.shape[1:]) if len(t.shape) == 4 else (1, 1, int(np.prod(t.shape[1:])))
        zero_point = int(t.quantization.zero_point[0])
        index = len(self.activations)
        self.activations.append(Activation(t.name, shape, zero_point, *clip, storage=index))
        self.of_tensor[tensor] = index
        return index

    def _scale(self, tensor: int) -> float:
        return float(self.graph.tensors[tensor].quantization.scale[0])

    def _zero_point(self, tensor: int) -> int:
        return int(self.graph.tensors[tensor].quantization.zero_point[0])

    def _place(self, op: Operator, clip=(NO_CLIP_LOW, NO_CLIP_HIGH)) -> tuple[str, int, int, int]:
        """Name, operator, input and output of the layer for ``op``."""
        name = f"{op.kind.lower()}_{op.index}"
        source = self.of_tensor[op.inputs[0]]
        return name, op.index, source, self._new_activation(op.outputs[0], clip)

    def _range(self, op: Operator) -> tuple[int, int, tuple[int, int]]:
        """Quantised activation range and the bounds at which the gradient is zero."""
        scale, zero = self._scale(op.outputs[0]), self._zero_point(op.outputs[0])
        fused = op.options.get("fused_activation_function", "NONE")
        low = max(-128, zero) if fused != "NONE" else -128
        high = 127
        clip = [NO_CLIP_LOW if fused == "NONE" else low, NO_CLIP_HIGH]
        if fused == "RELU6":
            high = min(127, zero + int(np.floor(np.float32(6.0) / np.float32(scale) + 0.5)))
            clip[1] = high
        return low, high, tuple(clip)

    # -- operators -------------------------------------------------------------------------

    def _weights(self, op: Operator, axis: int) -> tuple[dict, tuple[int, int]]:
        """The arithmetic of a weighted operator, whose output channels lie along ``axis``."""
        tensors = self.graph.tensors
        weights = tensors[op.inputs[1]]
        rows = weights.shape[axis]
        bias = op.inputs[2] if len(op.inputs) > 2 else -1
        scales = np.broadcast_to(weights.quantization.scale, rows)
        # float32 products of float32 scales in a double, as the reference kernels take them.
        effective = self._scale(op.inputs[0]) * scales / self._scale(op.outputs[0])
        pairs = np.array([quantize_multiplier(float(m)) for m in effective], np.int32)
        low, high, clip = self._range(op)
        ratio = np.floor(2**15 * (scales / scales.max()) + 0.5).astype(np.uint16)
        return dict(
            weights=weights.data.copy(),
            bias=tensors[bias].data.copy() if bias >= 0 else np.zeros(rows, np.int32),
            multiplier=pairs[:, 0],
            shift=pairs[:, 1],
            ratio=ratio if (ratio != 2**15).any() else None,
            input_zero_point=self._zero_point(op.inputs[0]),
            output_zero_point=self._zero_point(op.outputs[0]),
            activation_min=low,
            activation_max=high,
            tensors=(op.inputs[1], bias),
        ), clip

    def _window(self, op: Operator, kernel: tuple[int, int]) -> Window:
        stride = (op.options["stride_h"], op.options["stride_w"])
        folded = self.folded_pads.get(self.of_tensor[op.inputs[0]])
        if folded is not None:
            return Window(kernel, stride, self._paddings(folded)[0])
        pad = (0, 0)
        if op.options["padding"] == "SAME":
            size = self.activations[self.of_tensor[op.inputs[0]]].shape
            out = self.graph.tensors[op.outputs[0]].shape[1:3]
            pad = tuple(
                max(0, (out[i] - 1) * stride[i] + kernel[i] - size[i]) // 2 for i in range(2)
            )
        return Window(kernel, stride, pad)

    def _conv_2d(self, op: Operator):
        facts, clip = self._weights(op, axis=0)
        window = self._window(op, facts["weights"].shape[1:3])
        self.layers.append(Conv2D(*self._place(op, clip), **facts, window=window))

    def _depthwise_conv_2d(self, op: Operator):
        facts, clip = self._weights(op, axis=3)
        facts["weights"] = facts["weights"][0]
        window = self._window(op, facts["weights"].shape[:2])
        channels = self.activations[self.of_tensor[op.inputs[0]]].shape[2]
        self.layers.append(
            DepthwiseConv2D(
                *self._place(op, clip), **facts, window=window,
                multiplicity=facts["weights"].shape[2] // channels,
            )
        )

    def _fully_connected(self, op: Operator):
        facts, clip = self._weights(op, axis=0)
        self.layers.append(FullyConnected(*self._place(op, clip), **facts))

    def _pool(self, kind, op: Operator):
        low, high, clip = self._range(op)
        window = self._window(op, (op.options["filter_height"], op.options["filter_width"]))
        self.layers.append(kind(*self._place(op, clip), window, low, high))

    def _max_pool_2d(self, op: Operator):
        self._pool(MaxPool2D, op)

    def _average_pool_2d(self, op: Operator):
        self._pool(AveragePool2D, op)

    def _mean(self, op: Operator):
        height, width, _ = self.activations[self.of_tensor[op.inputs[0]]].shape
        real = self._scale(op.inputs[0]) / self._scale(op.outputs[0])
        pair = mean_multiplier(real, height * width)
        zero_points = self._zero_point(op.inputs[0]), self._zero_point(op.outputs[0])
        self.layers.append(Mean(*self._place(op), *pair, *zero_points))

    def _paddings(self, op: Operator):
        pads = self.graph.tensors[op.inputs[1]].data.reshape(-1, 2)
        rows = pads[1:3]
        return tuple(int(v) for v in rows[:, 0]), tuple(int(v) for v in rows[:, 1])

    def _pad(self, op: Operator):
        readers = self.readers[op.outputs[0]]
        kinds = ("CONV_2D", "DEPTHWISE_CONV_2D")
        if len(readers) == 1 and readers[0].kind in kinds and op.outputs[0] not in (
            self.graph.outputs
        ) and readers[0].options["padding"] == "VALID" and (
            self.of_tensor[op.inputs[0]] not in self.folded_pads
        ):
            source = self.of_tensor[op.inputs[0]]
            self.of_tensor[op.outputs[0]] = source
            self.folded_pads[source] = op
            return
        before, after = self._paddings(op)
        value = self._zero_point(op.inputs[0])
        # Padded cells are constants, but the producer's bounds hold for the cells it made.
        source = self.activations[self.of_tensor[op.inputs[0]]]
        place = self._place(op, (source.clip_low, source.clip_high))
        self.layers.append(Pad(*place, before, after, value))

    def _reshape(self, op: Operator):
        source = self.activations[self.of_tensor[op.inputs[0]]]
        view = self._new_activation(op.outputs[0], (source.clip_low, source.clip_high))
        self.activations[view].storage = source.storage

    def _softmax(self, op: Operator):
        source = self.activations[self.of_tensor[op.inputs[0]]]
        if source.shape[2] != source.size:
            raise ModelError(
                f"operator {op.index} (SOFTMAX) works on {list(source.shape)}",
                "edgetune takes a softmax over one vector of classes",
                "pool or flatten the map first",
            )
        beta = float(op.options.get("beta", 1.0))
        table = exponential_table(beta * self._scale(op.inputs[0]))
        self.layers.append(Softmax(*self._place(op), table))
