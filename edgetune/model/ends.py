"""What a model's end says of what it learns: which loss, and the words for it."""

from __future__ import annotations

import math

WORDS = {  # what a loss learns, by its name: several, and one
    "softmax": ("classes", "class"), "sigmoid": ("labels", "label"), "mse": ("values", "value"),
    "huber": ("values", "value"), "reconstruction": ("values as its input", "value as its input"),
}

OWN = {"softmax": ("SOFTMAX", "LOG_SOFTMAX"), "sigmoid": ("LOGISTIC",)}  # a loss reads below them


def default_loss(
    kind: str, output: tuple[int, ...], source: tuple[int, ...] | None, vectors: int = 1
) -> str:
    """What the model's end says: a SOFTMAX or LOG_SOFTMAX classes, or a value for each where a
    SOFTMAX goes over several vectors, a LOGISTIC labels, one output or TANH a value, an output like
    the input the input itself, all else the logits of classes.

    Args:
        kind: of the last operator.
        output, source: shapes of the model's output and of its input, None of several.
        vectors: that a SOFTMAX goes over.
    """
    if kind == "SOFTMAX" and vectors > 1:
        return "mse"
    for loss, kinds in OWN.items():
        if kind in kinds:
            return loss
    if math.prod(output) == 1 or kind == "TANH":
        return "mse"
    return "reconstruction" if output == source else "softmax"


def learnt(loss: str, size: int) -> str:
    """How many classes, labels or values, and the loss: "10 classes, softmax loss"."""
    return f"{size:,} {WORDS[loss][size == 1]}, {loss} loss"
