"""SOFTMAX over one vector, at the end of a model: learning starts from its input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgetune.errors import ModelError
from edgetune.learn.lowerings import lowers
from edgetune.learn.program import Layer, exponential_table
from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator


@dataclass(eq=False)
class Softmax(Layer):
    """``table[k] = round(2**30 * exp(-k * beta * scale))``."""

    table: np.ndarray

    kind = "softmax"

    def forward(self, xs, out_shape):
        """Probabilities as int8: scale 1/256, zero point -128, rounded half up."""
        terms = look_up(self.table, xs[0]).astype(np.int64)
        total = terms.sum(axis=-1, keepdims=True)
        return np.minimum((terms * 512 + total) // (2 * total) - 128, 127).reshape(out_shape)


def look_up(table: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The exponential of each value below the largest of its vector (last axis)."""
    below = x.max(axis=-1, keepdims=True) - x
    return np.where(below < len(table), table[np.minimum(below, len(table) - 1)], 0)


@lowers("SOFTMAX")
def _softmax(tensors: Tensors, op: Operator) -> None:
    one_vector(tensors, op)
    beta = float(op.options.get("beta", 1.0))
    table = exponential_table(beta * tensors.scale(op.inputs[0]))
    tensors.layers.append(Softmax(*tensors.place(op), table))


def one_vector(tensors: Tensors, op: Operator) -> None:
    """Refuses several."""
    source = tensors.activation(op.inputs[0])
    if source.shape[2] != source.size:
        raise ModelError(
            f"operator {op.index} ({op.kind}) works on {list(source.shape)}",
            "edgetune takes a softmax over one vector of classes",
            "pool or flatten the map first",
        )
