"""The digest: 32 bits over everything that learning changes.  ``docs/numerics.md`` section 7."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgetune.learn.operators import WeightedLayer


def mix32_array(x: np.ndarray) -> np.ndarray:
    """``generator.mix32`` over a uint32 array."""
    x = x.astype(np.uint32)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    x = (x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return x ^ (x >> np.uint32(16))


def parameter_digest(arrays: list[np.ndarray]) -> int:
    """Sum of mix32(index * 0x9E3779B1 + value) over all values, indices running through."""
    if not arrays:
        return 0  # nothing is trained
    values = np.concatenate([a.reshape(-1) for a in arrays], dtype=np.int32)
    indices = np.arange(len(values), dtype=np.uint32) * np.uint32(0x9E3779B1)
    mixed = mix32_array(indices + values.view(np.uint32))
    return int(mixed.sum(dtype=np.uint64)) & 0xFFFFFFFF


def digest_base(layers: Sequence[WeightedLayer], weights: bool = True) -> list[int]:
    """Index of each trained layer's first weight, which its biases follow; without
    ``weights`` of its first bias, and only biases are counted."""
    bases, at = [], 0
    for layer in layers:
        bases.append(at)
        at += layer.bias.size + (layer.weights.size if weights else 0)
    return bases
