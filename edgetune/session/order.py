"""The order in which samples are learnt."""

from __future__ import annotations

import numpy as np


def sample_order(count: int, samples: int | None, passes: int, seed: int) -> np.ndarray:
    """Indices of the samples of a run, [samples * passes].

    ``samples`` (all where None or more than there are) are drawn without replacement from
    ``count``, and gone through ``passes`` times, each time in a new random order.
    """
    random = np.random.default_rng(seed)
    chosen = random.permutation(count)[:samples]
    return np.concatenate([random.permutation(chosen) for _ in range(passes)])
