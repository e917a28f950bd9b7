"""What is said of the guard, and the samples that it keeps for itself."""

from __future__ import annotations

import numpy as np

from edgetune.data.split import Split, stratified
from edgetune.errors import UsageError
from edgetune.learn.losses import CLASS

RUNNING, NONE = "running", "none"
LEAST_HELD, MOST_HELD = 20, 400  # samples: fewer tell nothing, more cost time


def is_share(guard: str | float) -> bool:
    """Whether ``guard`` is a number, and so a share of the tuning samples."""
    try:
        float(guard)
    except ValueError:
        return False
    return True


def share_of(guard: str | float) -> float:
    """The share of the tuning samples that is held out, above 0 and at most 0.5.

    Raises:
        UsageError: it is no such share.
    """
    share = float(guard)
    if not 0 < share <= 0.5:
        raise UsageError(
            f"A guard of {guard} is no share of the tuning samples.",
            "It lies above 0 and is at most 0.5: the others are tuned on.",
            "Give for example --guard 0.1, or a file of samples that are never tuned on.",
        )
    return share


def held_out_rows(
    targets: np.ndarray, kind: str, share: float, seed: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """Ascending numbers of the samples that are tuned on, and of those held out: ``share`` of
    each class, or of all; at least 20 and at most 400.  None of fewer than 40 samples.

    Args:
        targets: of the tuning samples, (n, ...).
        kind: of `Targets`.
    """
    count = len(targets)
    if count < 2 * LEAST_HELD:
        return None
    held = min(max(share * count, LEAST_HELD), MOST_HELD) / count
    classes = targets if kind == CLASS else np.zeros(count)
    return stratified(classes, Split(1 - held, seed))
