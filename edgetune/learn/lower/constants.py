"""Layers that read constants alone, worked out once: on a device they neither run nor learn."""

from __future__ import annotations

import numpy as np

from edgetune.learn.program import Activation
from edgetune.learn.tensors import Tensors


def fold_constants(tensors: Tensors) -> None:
    """Outputs of such layers become constants; layers and constants that are then of no use go."""
    activations, kept = tensors.activations, []
    for layer in tensors.layers:
        xs = [x for i in layer.inputs if (x := _constant(activations, i)) is not None]
        output = activations[layer.output]
        if len(xs) == len(layer.inputs):
            output.constant = layer.forward(xs, output.shape).astype(np.int8).reshape(output.shape)
        else:
            kept.append(layer)
    if len(kept) < len(tensors.layers):
        read = {activations[i].storage for layer in kept for i in layer.inputs}
        for index, activation in enumerate(activations):
            if index not in read:
                activation.constant = None
        tensors.layers[:] = kept


def _constant(activations: list[Activation], index: int) -> np.ndarray | None:
    """The values of an activation that always has the same; of a view those of its memory."""
    activation = activations[index]
    values = activations[activation.storage].constant
    return None if values is None else values.reshape(activation.shape).astype(np.int64)
