"""Which loss a model learns by: as chosen, or as the model's end says."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.errors import UsageError
from edgetune.learn.losses.loss import CLASS, INPUT, LABELS, VALUES, WEIGHT_Q8, Loss
from edgetune.learn.losses.sigmoid_cross_entropy import SigmoidCrossEntropy, sigmoid_table
from edgetune.learn.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from edgetune.learn.losses.squared_error import STEP_Q8, Reconstruction, SquaredError
from edgetune.learn.program import Activation, exponential_table
from edgetune.model.ends import OWN, default_loss

AUTO = "auto"
LOSSES = ("softmax", "sigmoid", "mse", "huber", "reconstruction")
MAX_WEIGHT = 255.0


@dataclass(frozen=True)
class LossChoice:
    """``name``: one of `LOSSES`, or "auto".  ``weights``: of the classes, or of the labels'
    positives, above 0 and up to 255.  ``smoothing``: of targets, 0 to below 1.  ``delta``: where
    Huber's error turns linear, in the outputs' real unit."""

    name: str = AUTO
    weights: tuple[float, ...] = ()
    smoothing: float = 0.0
    delta: float = 1.0

    def __post_init__(self):
        if self.name not in (AUTO, *LOSSES):
            raise UsageError(
                f"unknown loss '{self.name}'", f"the losses are {', '.join(LOSSES)}",
                "choose one of them, or leave it out: the model's end decides",
            )
        if not all(0 < weight <= MAX_WEIGHT for weight in self.weights):
            raise UsageError(
                f"class weights of {list(self.weights)}",
                f"each must lie above 0 and up to {MAX_WEIGHT:g}", "scale them",
            )
        if not 0 <= self.smoothing < 1 or not 0 < self.delta < float("inf"):
            raise UsageError(
                f"a label smoothing of {self.smoothing}, a delta of {self.delta}",
                "smoothing lies from 0 to below 1, delta above 0", "correct them",
            )


@dataclass(frozen=True)
class ModelEnd:
    """The ends of a model: ``kind`` of the last operator, its input ``below``, and its output;
    and the model's input, None of several."""

    kind: str
    below: Activation
    output: Activation
    input: Activation | None

    @property
    def vectors(self) -> int:
        """How many it goes over, each by itself."""
        return self.below.size // self.below.shape[2]


TARGETS = {
    "softmax": CLASS, "sigmoid": LABELS, "mse": VALUES, "huber": VALUES, "reconstruction": INPUT,
}  # by the loss's name


def make_loss(choice: LossChoice, end: ModelEnd) -> tuple[Loss, Activation]:
    """The loss, and the activation that it reads as logits.

    Raises:
        UsageError: the loss does not suit the model.
    """
    name = choice.name
    if name == AUTO:
        source = end.input.shape if end.input else None
        name = default_loss(end.kind, end.output.shape, source, end.vectors)
    _refuse_misfits(name, choice, end)
    if name in ("softmax", "sigmoid"):
        logits = end.below if end.kind in OWN[name] else end.output
        return _cross_entropy(name, choice, logits), logits
    return _squared_error(name, choice, end), end.output


def _cross_entropy(name: str, choice: LossChoice, logits: Activation) -> Loss:
    weights = None
    if choice.weights:
        weights = np.maximum(np.rint(np.array(choice.weights) * WEIGHT_Q8), 1).astype(np.uint16)
    common = (logits.size, choice.smoothing, weights)
    if name == "softmax":
        return SoftmaxCrossEntropy(*common, table=exponential_table(logits.scale))
    table = sigmoid_table(logits.scale, logits.zero_point)
    return SigmoidCrossEntropy(*common, probabilities=table)


def _squared_error(name: str, choice: LossChoice, end: ModelEnd) -> SquaredError:
    y, x = end.output, end.input
    if name == "reconstruction":
        assert x is not None  # of several inputs it is refused
        real = x.scale * (np.arange(-128, 128) - x.zero_point)
        loss = SquaredError(y.size, y.scale, y.zero_point)
        table = np.array([
            SquaredError(1, y.scale, y.zero_point).on_grid(value)[0] for value in real
        ])
        return Reconstruction(loss.size, loss.scale, loss.zero_point, table=table)
    if name == "mse":
        return SquaredError(y.size, y.scale, y.zero_point)
    limit = max(1, min(2**17 - 1, round(STEP_Q8 * choice.delta / y.scale)))
    return SquaredError(y.size, y.scale, y.zero_point, limit)


def _refuse_misfits(name: str, choice: LossChoice, end: ModelEnd) -> None:
    size = end.output.size
    if name == "softmax" and size == 1:
        raise _misfit(name, "the model has one output, and one class is no choice",
                      "choose sigmoid, mse or huber")
    if name in ("softmax", "sigmoid") and end.kind == "SOFTMAX" and end.vectors > 1:
        raise _misfit(name, f"the model ends with a SOFTMAX over {end.vectors} vectors",
                      "choose mse: the targets are then probabilities")
    if name != "softmax" and end.kind in OWN["softmax"] and end.vectors == 1:
        raise _misfit(name, f"the model ends with a {end.kind}", "choose softmax")
    if name == "reconstruction" and end.input is None:
        raise _misfit(name, "the model has several inputs", "choose mse")
    if name == "reconstruction" and end.input is not None and size != end.input.size:
        raise _misfit(name, f"the model makes {size} values of {end.input.size}", "choose mse")
    if choice.weights and name not in ("softmax", "sigmoid"):
        raise _misfit(name, "class weights are for classes and labels", "leave them out")
    if choice.weights and len(choice.weights) != size:
        raise _misfit(name, f"{len(choice.weights)} class weights for {size} outputs",
                      "give one for each")


def _misfit(name: str, cause: str, next_step: str) -> UsageError:
    return UsageError(f"the loss {name} does not suit this model", cause, next_step)
