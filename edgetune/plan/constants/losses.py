"""The losses."""

from __future__ import annotations

from edgetune.learn import operators as p
from edgetune.learn.losses import (
    Loss,
    Reconstruction,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    SquaredError,
)
from edgetune.plan.c_data import CObject, Pointer, array_object, struct
from edgetune.plan.constants.layer import (
    I32,
    U16,
)
from edgetune.plan.constants.softmax import exponential_constants

BINARY = struct("et_binary", (U16, "one zero"))
SOFTMAX_CROSS_ENTROPY = struct(
    "et_softmax_cross_entropy",
    (Pointer("const et_exponential"), "exponential"), (BINARY, "target"),
    (Pointer("const uint16_t"), "weights"),
)
SIGMOID_CROSS_ENTROPY = struct(
    "et_sigmoid_cross_entropy",
    (Pointer("const uint16_t"), "probabilities"), (BINARY, "target"),
    (Pointer("const uint16_t"), "weights"),
)
SQUARED_ERROR = struct("et_squared_error", (I32, "limit"), (Pointer("const int16_t"), "input"))


def loss_constants(loss: Loss, shared: p.Softmax | None) -> list[CObject]:
    """``loss`` after its tables; ``shared``: the SOFTMAX whose exponentials it uses."""
    if isinstance(loss, SquaredError):
        return _squared_error(loss)
    assert isinstance(loss, SigmoidCrossEntropy | SoftmaxCrossEntropy)
    weights = [] if loss.weights is None else [array_object("loss_weights", loss.weights)]
    if isinstance(loss, SigmoidCrossEntropy):
        ctype = SIGMOID_CROSS_ENTROPY
        tables = [array_object("loss_probabilities", loss.probabilities)]
        first = {"probabilities": "loss_probabilities"}
    else:
        tables, ctype = [], SOFTMAX_CROSS_ENTROPY
        first = {"exponential": f"&{shared.name if shared else 'loss_exponential'}"}
        if shared is None:
            tables = exponential_constants("loss_exponential", loss.table)
    value = first | {
        "target": {"one": loss.one, "zero": loss.zero},
        "weights": "loss_weights" if weights else 0,
    }
    return [*tables, *weights, CObject("loss", ctype, value)]


def _squared_error(loss: SquaredError) -> list[CObject]:
    tables = [array_object("loss_input", loss.table)] if isinstance(loss, Reconstruction) else []
    value = {"limit": loss.limit, "input": "loss_input" if tables else 0}
    return [*tables, CObject("loss", SQUARED_ERROR, value)]
