"""What a training step's measure says of its sample's loss."""

from __future__ import annotations

import math

from edgetune.learn.losses import CLASS, LABELS
from edgetune.learn.losses.loss import ONE_Q15
from edgetune.learn.losses.squared_error import STEP_Q8


def step_loss(kind: str, measure: int) -> float:
    """The loss of a sample just before the step that learnt it, by the reply's ``measure``: of
    targets that are classes the cross-entropy in nats, of labels one less the mean probability of
    the right answers, else the mean absolute error in output steps."""
    if kind == CLASS:
        return -math.log(max(measure, 0.5) / ONE_Q15)
    return 1 - measure / ONE_Q15 if kind == LABELS else measure / STEP_Q8
