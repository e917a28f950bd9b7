"""The constants of a loss."""

from __future__ import annotations

from edgetune.codegen.c_text import array, struct
from edgetune.codegen.tables import exponential
from edgetune.learn.losses import Reconstruction, SigmoidCrossEntropy, SquaredError
from edgetune.plan.plan import Plan


def loss_tables(plan: Plan) -> str:
    """C text that defines ``loss``."""
    loss = plan.program.loss
    if isinstance(loss, SquaredError):
        return _squared_error(loss)
    text, weights = "", 0
    if loss.weights is not None:
        text, weights = array("loss_weights", loss.weights), "loss_weights"
    table, fields = _probabilities(plan)
    fields |= {"target": {"one": loss.one, "zero": loss.zero}, "weights": weights}
    return table + text + struct(f"et_{loss.kind}", "loss", fields)


def _probabilities(plan: Plan) -> tuple[str, dict]:
    loss = plan.program.loss
    if isinstance(loss, SigmoidCrossEntropy):
        text = array("loss_probabilities", loss.probabilities)
        return text, {"probabilities": "loss_probabilities"}
    if plan.shared_table:
        return "", {"exponential": f"&{plan.shared_table.name}"}
    return exponential("loss_exponential", loss.table), {"exponential": "&loss_exponential"}


def _squared_error(loss: SquaredError) -> str:
    text, source = "", 0
    if isinstance(loss, Reconstruction):
        text, source = array("loss_input", loss.table), "loss_input"
    return text + struct("et_squared_error", "loss", {"limit": loss.limit, "input": source})
