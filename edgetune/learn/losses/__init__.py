"""The losses, one file each.  The twin of ``firmware/engine/losses.h``."""

from edgetune.learn.losses.choice import (
    AUTO,
    LOSSES,
    TARGETS,
    LossChoice,
    ModelEnd,
    default_loss,
    make_loss,
)
from edgetune.learn.losses.loss import CLASS, INPUT, LABELS, VALUES, Loss
from edgetune.learn.losses.sigmoid_cross_entropy import SigmoidCrossEntropy
from edgetune.learn.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from edgetune.learn.losses.squared_error import Reconstruction, SquaredError

__all__ = [
    "AUTO", "CLASS", "INPUT", "LABELS", "LOSSES", "VALUES", "Loss", "LossChoice", "ModelEnd",
    "Reconstruction", "SigmoidCrossEntropy", "SoftmaxCrossEntropy", "SquaredError", "TARGETS",
    "default_loss", "make_loss",
]
