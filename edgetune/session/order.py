"""The order in which samples are learnt."""

from __future__ import annotations

import numpy as np

from edgetune.errors import UsageError

MOST_STEPS = 1 << 24  # days on any device, and gigabytes of log


def sample_order(count: int, samples: int | None, passes: int, seed: int) -> np.ndarray:
    """Indices of the samples of a run, [samples * passes].

    ``samples`` (all where None or more than there are) are drawn without replacement from
    ``count``, and gone through ``passes`` times, each time in a new random order.

    Raises:
        UsageError: more steps than `MOST_STEPS`.
    """
    check_steps(count, samples, passes)
    random = np.random.default_rng(seed)
    chosen = random.permutation(count)[:samples]
    return np.concatenate([random.permutation(chosen) for _ in range(passes)])


def check_steps(count: int, samples: int | None, passes: int) -> None:
    """UsageError where a run of such samples and passes would have more steps than `MOST_STEPS`."""
    steps = min(count, count if samples is None else samples) * passes
    if steps > MOST_STEPS:
        raise UsageError(
            f"The run would have {steps:,} steps.",
            f"{passes:,} passes were asked for; a run has at most {MOST_STEPS:,} steps.",
            "Give fewer passes, and go on from there by further runs: --continue last",
        )
