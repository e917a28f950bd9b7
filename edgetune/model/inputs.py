"""A model's inputs: what they are called, and several of them as one.

Of several inputs a sample is a run of the values of all, one input after another.  So a device
is sent one piece of memory in which each input has its place, and whatever only passes samples
on need not know how many inputs there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # a Graph's own inputs are packed here
    from edgetune.model.graph import Tensor

SIGNATURE = "serving_default"


def signature_name(tensor: str) -> str:
    """What a signature calls a tensor: ``serving_default_image:0`` is ``image``."""
    name = tensor.split(";")[0].removeprefix(f"{SIGNATURE}_")
    stem, colon, port = name.rpartition(":")
    return stem if colon and port.isdigit() else name


def packed(tensors: Sequence[Tensor], names: Sequence[str]) -> Tensor:
    """One tensor alone as it is; of several one of the shape [1, elements of all].

    Its scales and zero points are one an element, where all of them have some; its ``parts``
    are the tensors under their ``names``.
    """
    if len(tensors) == 1:
        return tensors[0]
    sizes = [t.size for t in tensors]
    grids = [t.quantization for t in tensors if t.quantization is not None]
    quantization = None
    if len(grids) == len(tensors):
        scale = np.repeat([q.scale[0] for q in grids], sizes)
        zero_point = np.repeat([q.zero_point[0] for q in grids], sizes)
        quantization = replace(grids[0], scale=scale, zero_point=zero_point, axis=1)
    return replace(
        tensors[0], index=-1, name=", ".join(names), shape=(1, sum(sizes)),
        quantization=quantization,
        parts=tuple(replace(t, name=name) for t, name in zip(tensors, names)),
    )


def places(tensors: Sequence[Tensor]) -> list[slice]:
    """Where each of several packed tensors lies in the last axis of a sample."""
    ends = np.cumsum([t.size for t in tensors]).tolist()
    return [slice(end - t.size, end) for t, end in zip(tensors, ends)]


def unpacked(x: np.ndarray, tensors: Sequence[Tensor]) -> list[np.ndarray]:
    """Samples [n, ...] as one array an input, [n, *shape without the batch]."""
    if len(tensors) == 1:
        return [x]
    flat = x.reshape(len(x), -1)
    return [
        flat[:, place].reshape(len(x), *t.shape[1:]) for t, place in zip(tensors, places(tensors))
    ]
