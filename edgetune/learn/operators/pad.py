"""PAD of any axes."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.lowerings import lowers
from edgetune.learn.operators.windowed import CONVOLUTIONS, paddings
from edgetune.learn.program import Layer, Shape
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator


@dataclass(eq=False)
class Pad(Layer):
    """Cells of ``value`` around: ``before`` and ``after`` in (height, width, channels)."""

    before: Shape
    after: Shape
    value: int

    kind = "pad"

    def forward(self, xs, out_shape):
        return np.pad(xs[0], [*zip(self.before, self.after)], constant_values=self.value)

    def input_error(self, operand, e, xs):
        return e[tuple(slice(first, first + n) for first, n in zip(self.before, xs[0].shape))]

    def input_unit(self, operand, xs, y):
        return 1.0


@lowers("PAD")
def _pad(tensors: Tensors, op: Operator) -> None:
    if _folds(tensors, op):
        tensors.of_tensor[op.outputs[0]] = tensors.index(op.inputs[0])
        tensors.folded_pads[op.outputs[0]] = op
        return
    before, after = paddings(tensors, op)
    # Padded cells are constants, but the producer's bounds hold for the cells it made.
    source = tensors.activation(op.inputs[0])
    place = tensors.place(op, (source.clip_low, source.clip_high))
    tensors.layers.append(Pad(*place, before, after, tensors.zero_point(op.inputs[0])))


def _folds(tensors: Tensors, op: Operator) -> bool:
    """Whether a convolution can take over the padding."""
    readers = tensors.readers.get(op.outputs[0], [])
    return (
        len(readers) == 1 and readers[0].kind in CONVOLUTIONS
        and readers[0].options["padding"] == "VALID"
        and op.outputs[0] not in tensors.graph.outputs
        and op.inputs[0] not in tensors.folded_pads
        and tensors.graph.tensors[op.inputs[0]].shape[-1:]
        == tensors.graph.tensors[op.outputs[0]].shape[-1:]
    )
