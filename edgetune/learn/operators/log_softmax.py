"""LOG_SOFTMAX over one vector, at the end of a model: learning starts from its input."""

from __future__ import annotations

import math

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.errors import ModelError
from edgetune.learn.fixedpoint import (
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    rounding_divide_by_power_of_two,
)
from edgetune.learn.lowerings import lowers
from edgetune.learn.operators.softmax import look_up
from edgetune.learn.program import Layer
from edgetune.learn.saturating import LARGEST, exponential, logarithm
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator

INPUT_BITS = 26  # of a difference, behind the point
STEP = 22  # bits of a difference that one step of the output covers


@dataclass(eq=False)
class LogSoftmax(Layer):
    """``table[k]``: the exponential of a value k below the largest.  ``forth`` and ``back``:
    multiplier and shift of a difference, and of what is one again; ``least``: what lies further
    below is the lowest output."""

    table: np.ndarray
    forth: tuple[int, int]
    back: tuple[int, int]
    least: int

    kind = "log_softmax"

    def forward(self, xs, out_shape):
        """Scale 1/16, zero point 127."""
        x = xs[0].reshape(-1)
        total = logarithm(int(look_up(self.table, x).astype(np.int64).sum()))
        shortest = multiply_by_quantized_multiplier(np.array(total - 2**31), *self.back)
        below = x - x.max()
        kept = below > max(-self.least - 1, int(shortest))
        steps = multiply_by_quantized_multiplier(np.where(kept, below, 0), *self.forth) - total
        steps = rounding_divide_by_power_of_two(steps, STEP) + 127
        return np.where(kept, np.clip(steps, -128, 127), -128).reshape(out_shape)


@lowers("LOG_SOFTMAX")
def _log_softmax(tensors: Tensors, op: Operator) -> None:
    _refuse_several(tensors, op)
    scale = tensors.scale(op.inputs[0])
    forth = quantize_multiplier(min(scale * 2**INPUT_BITS, float(LARGEST)))
    multiplier, shift = forth
    back = quantize_multiplier(2.0 ** (31 - shift) / multiplier)
    least = math.floor(31 * 2.0 ** (INPUT_BITS - shift))
    table = np.array([
        exponential(int(multiply_by_quantized_multiplier(np.array(-k), *forth)))
        for k in range(min(least, 255) + 1)
    ], np.uint32)
    table = table[: np.flatnonzero(table)[-1] + 1]
    tensors.layers.append(LogSoftmax(*tensors.place(op), table, forth, back, least))


def _refuse_several(tensors: Tensors, op: Operator) -> None:
    """Of vectors: LOG_SOFTMAX goes over one."""
    source = tensors.activation(op.inputs[0])
    if source.shape[2] != source.size:
        raise ModelError(
            f"operator {op.index} ({op.kind}) works on {list(source.shape)}",
            "edgetune takes a softmax over one vector of classes",
            "pool or flatten the map first",
        )
