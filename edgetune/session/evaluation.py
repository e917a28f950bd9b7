"""What a device makes of a set of samples, and what that is worth."""

from __future__ import annotations

import numpy as np

from edgetune.data import Dataset
from edgetune.errors import AccuracyGateError, UsageError
from edgetune.learn.losses import CLASS, INPUT, LABELS, Loss
from edgetune.learn.program import Activation, Program
from edgetune.link.client import Client
from edgetune.measures.evaluate import evaluate
from edgetune.measures.measure import Measure
from edgetune.session.reporter import Reporter


def outputs_of(client: Client, data: Dataset, reporter: Reporter, phase: str) -> np.ndarray:
    """The device's outputs for the test set, int8 [n, outputs].

    Where the targets are classes the share of right predictions is reported along the way.
    """
    labels = data.test_y if data.targets.kind == CLASS else None
    outputs, right, count = [], 0, len(data.test_x)
    for i, result in enumerate(client.infer_many(sample.tobytes() for sample in data.test_x)):
        outputs.append(np.frombuffer(result.output, np.int8))
        right += labels is not None and result.prediction == labels[i]
        share = None if labels is None else right / (i + 1)
        reporter.progress(phase, i + 1, count, share)
    return np.array(outputs, np.int8).reshape(count, -1)


def measure(program: Program, outputs: np.ndarray, data: Dataset) -> Measure:
    """What int8 ``outputs`` [n, outputs] of ``program`` for the test set are worth."""
    kind = program.loss.target
    y = program.activations[program.output]
    inputs = None
    if kind == INPUT:
        x = np.asarray(data.test_x).reshape(len(data.test_x), -1)
        inputs = _real(x, program.activations[program.input])
    # Without a LOGISTIC at the end outputs are logits.
    threshold = 0.0 if kind == LABELS and program.logits == program.output else 0.5
    return evaluate(kind, _real(outputs, y), data.test_y, inputs, threshold=threshold)


def _real(values: np.ndarray, activation: Activation) -> np.ndarray:
    return activation.scale * (values.astype(np.float64) - activation.zero_point)


def refuse_without_accuracy(loss: Loss, least: float | None) -> None:
    """UsageError where an accuracy is asked of a model that makes no predictions."""
    predicts = loss.target == CLASS or (loss.target == LABELS and loss.size == 1)
    if least is not None and not predicts:
        raise UsageError(
            "An accuracy is asked for, and this model has none.",
            f"It learns by the {loss.name} loss, whose measure is another.",
            "Leave --min-accuracy out.",
        )


def check_accuracy(found: Measure, least: float | None) -> None:
    """AccuracyGateError where the accuracy is below ``least``, 0 to 1, or unknown."""
    share = found.accuracy or 0.0
    if least is not None and share < least:
        raise AccuracyGateError(
            f"The accuracy is {100 * share:.1f} %.",
            f"At least {100 * least:.1f} % were asked for.",
            "Tune on more samples or in more passes; a run's metrics.jsonl shows every step.",
        )
