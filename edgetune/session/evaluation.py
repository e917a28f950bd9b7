"""Predictions of a device on a set of samples."""

from __future__ import annotations

import numpy as np

from edgetune.errors import AccuracyGateError
from edgetune.link.client import Client
from edgetune.session.reporter import Reporter


def predict(client: Client, x: np.ndarray, y: np.ndarray, reporter: Reporter, phase: str):
    """The device's prediction for each sample, int64 [n]: argmax, the lowest index on ties.

    ``x`` int8 [n, ...]; the labels ``y`` serve the running accuracy only.
    """
    predictions = np.empty(len(x), np.int64)
    right = 0
    for i, result in enumerate(client.infer_many(sample.tobytes() for sample in x)):
        predictions[i] = result.prediction
        right += int(result.prediction == y[i])
        reporter.progress(phase, i + 1, len(x), right / (i + 1))
    return predictions


def accuracy(predictions: np.ndarray, labels: np.ndarray) -> float:
    """Share of right predictions, 0 to 1."""
    return float(np.mean(predictions == labels))


def check_accuracy(share: float, least: float | None) -> None:
    """AccuracyGateError where the accuracy ``share`` is below ``least``; both 0 to 1."""
    if least is not None and share < least:
        raise AccuracyGateError(
            f"The accuracy is {100 * share:.1f} %.",
            f"At least {100 * least:.1f} % were asked for.",
            "Tune on more samples or in more passes; a run's metrics.jsonl shows every step.",
        )
