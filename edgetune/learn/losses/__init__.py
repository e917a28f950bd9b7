"""The losses, one file each.  The twin of ``firmware/engine/losses``."""

from edgetune.learn.losses.loss import Loss
from edgetune.learn.losses.softmax_cross_entropy import SoftmaxCrossEntropy

__all__ = ["Loss", "SoftmaxCrossEntropy"]
