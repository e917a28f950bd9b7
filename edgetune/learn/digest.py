"""The digest: 32 bits over everything that learning changes.  ``docs/numerics.md`` section 7."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgetune.learn.operators import WeightedLayer


def places(count: int) -> np.ndarray:
    """i * 0x9E3779B1 modulo 2**32 of the first ``count`` values, uint32."""
    return np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1)


def digest_factors(count: int) -> np.ndarray:
    """The factors of the first ``count`` values, uint32, all odd."""
    place = places(count)
    return place * (place ^ (place >> np.uint32(16))) | np.uint32(1)


def parameter_digest(arrays: list[np.ndarray]) -> int:
    """Sum of each value times its factor, modulo 2**32, indices running through."""
    if not arrays:
        return 0  # nothing is trained
    values = np.concatenate([a.reshape(-1) for a in arrays], dtype=np.int32).view(np.uint32)
    return int((values * digest_factors(len(values))).sum(dtype=np.uint64)) & 0xFFFFFFFF


def digest_base(layers: Sequence[WeightedLayer], weights: bool = True) -> list[int]:
    """Index of each trained layer's first weight, which its biases follow; without
    ``weights`` of its first bias, and only biases are counted."""
    bases, at = [], 0
    for layer in layers:
        bases.append(at)
        at += layer.bias.size + (layer.weights.size if weights else 0)
    return bases
