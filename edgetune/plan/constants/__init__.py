"""The constants of each operator and of the update: the engine's structs, and their values.

Structs are written as ``firmware/engine/operators.h`` and ``update.h`` declare them, beside the
values that a layer gives them.  Plans take sizes from here and the generator takes text, so an
operator's tables are described in this room alone.
"""

from edgetune.plan.constants import joining, moving, softmax, weighted
from edgetune.plan.constants.layer import layer_constants
from edgetune.plan.constants.losses import loss_constants
from edgetune.plan.constants.model import (
    TRAINED,
    activation_constants,
    frozen_constants,
    parameter_constants,
    trained_constants,
)
from edgetune.plan.constants.update import update_constants

__all__ = [
    "TRAINED", "activation_constants", "frozen_constants", "layer_constants", "loss_constants",
    "parameter_constants", "trained_constants", "update_constants",
    "joining", "moving", "softmax", "weighted",  # which say what layer_constants knows
]
