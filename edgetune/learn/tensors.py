"""What lowering knows while it goes: the Graph's tensors as activations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgetune.learn.program import NO_CLIP_HIGH, NO_CLIP_LOW, Activation, Layer
from edgetune.model.graph import Graph, Operator

NO_CLIP = (NO_CLIP_LOW, NO_CLIP_HIGH)
BOUNDS = {  # real ones, of functions that clip
    "NONE": (None, None), "RELU": (0.0, None), "RELU6": (0.0, 6.0), "RELU_0_TO_1": (0.0, 1.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
}


class Tensors:
    """Activations and layers so far; each operator's lowering adds its own."""

    def __init__(self, graph: Graph, operators: list[Operator]):
        self.graph = graph
        self.activations: list[Activation] = []
        self.layers: list[Layer] = []
        self.of_tensor: dict[int, int] = {}  # Graph tensor -> activation
        self.folded_pads: dict[int, Operator] = {}  # Graph tensor -> PAD folded into its reader
        self.readers: dict[int, list[Operator]] = {}
        for op in operators:
            for index in dict.fromkeys(op.inputs):
                self.readers.setdefault(index, []).append(op)

    def add(self, tensor: int, clip: tuple[int, int] = NO_CLIP) -> int:
        """A new activation for the Graph's ``tensor``; its index."""
        t = self.graph.tensors[tensor]
        index = len(self.activations)
        flat = t.data is not None and not self._among_constants(tensor)
        shape = (1, 1, t.size) if flat else activation_shape(t.shape)
        constant = None if t.data is None else t.data.reshape(shape)
        self.activations.append(
            Activation(
                t.name, shape, self.scale(tensor), self.zero_point(tensor), *clip, index, constant
            )
        )
        self.of_tensor[tensor] = index
        return index

    def _among_constants(self, tensor: int) -> bool:
        """Whether a constant is read as an input by itself, not beside an activation."""
        operands = [op.operands for op in self.readers.get(tensor, ())]
        return all(self.graph.tensors[i].data is not None for found in operands for i in found)

    def between(self, source: Activation, shape: tuple[int, ...]) -> int:
        """A new activation between two layers of one operator, with the scale and the clipping
        of ``source``; its index."""
        index = len(self.activations)
        self.activations.append(
            replace(source, shape=activation_shape(shape), storage=index, constant=None)
        )
        return index

    def view(self, tensor: int, source: int) -> None:
        """``tensor`` as another shape of the memory of ``source``, both of the Graph."""
        of = self.activation(source)
        index = self.add(tensor, (of.clip_low, of.clip_high))
        self.activations[index].storage = of.storage

    def index(self, tensor: int) -> int:
        """The activation of a tensor; a constant becomes one when it is first asked for."""
        if tensor not in self.of_tensor:
            self.add(tensor)
        return self.of_tensor[tensor]

    def activation(self, tensor: int) -> Activation:
        return self.activations[self.index(tensor)]

    def scale(self, tensor: int) -> float:
        return float(self.graph.tensors[tensor].grid.scale[0])

    def zero_point(self, tensor: int) -> int:
        return int(self.graph.tensors[tensor].grid.zero_point[0])

    def grid(self, tensor: int) -> tuple[float, int]:
        """Scale and zero point."""
        return self.scale(tensor), self.zero_point(tensor)

    def place(
        self, op: Operator, clip: tuple[int, int] = NO_CLIP, operand: int = 0, output: int = 0
    ) -> tuple[str, int, int, int]:
        """Name, operator, input and output of the layer for ``op``, or for one of its outputs."""
        source, name = self.index(op.operands[operand]), f"{op.kind.lower()}_{op.index}"
        name = f"{name}_{output}" if len(op.outputs) > 1 else name
        return name, op.index, source, self.add(op.outputs[output], clip)

    def range(self, op: Operator) -> tuple[int, int, tuple[int, int]]:
        """Quantised activation range, and the bounds at which the gradient is zero."""
        fused = op.options.get("fused_activation_function", "NONE")
        low, high = activation_range(
            fused, self.scale(op.outputs[0]), self.zero_point(op.outputs[0])
        )
        clip = NO_CLIP_LOW if fused == "NONE" else low, high if fused == "RELU6" else NO_CLIP_HIGH
        return low, high, clip


def activation_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Height, width and channels of a tensor; the last axis are the channels, and the first of
    two dimensions counts vectors."""
    inner = (1, 1, *shape)
    height = int(np.prod(inner[:-2]))
    return height, inner[-2], inner[-1]


def activation_range(activation: str, scale: float, zero_point: int) -> tuple[int, int]:
    """Lowest and highest value that NONE, RELU, RELU6, RELU_0_TO_1 or RELU_N1_TO_1 lets
    through."""
    low, high = BOUNDS[activation]
    return (
        -128 if low is None else max(-128, zero_point + _steps(low, scale)),
        127 if high is None else min(127, zero_point + _steps(high, scale)),
    )


def _steps(value: float, scale: float) -> int:
    """Rounded half away from zero, as TFLite's float32 does it."""
    exact = np.float32(value) / np.float32(scale)
    return int(np.sign(exact) * np.floor(np.abs(exact) + 0.5))
