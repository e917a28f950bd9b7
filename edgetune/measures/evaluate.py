"""All measures of a model's outputs on a test set."""

from __future__ import annotations

import numpy as np

from edgetune.measures.classification import accuracy, confusion, predicted_classes
from edgetune.measures.labels import auc, f1, mean_of_known
from edgetune.measures.measure import Measure
from edgetune.measures.reconstruction import reconstruction_errors
from edgetune.measures.values import mae, rmse

CONFUSED = 100  # classes; the counts of more are a file of their own
_HEADLINES = {"class": "accuracy", "labels": "AUC", "values": "MAE", "input": "RMSE"}


def evaluate(
    kind: str, outputs: np.ndarray, targets: np.ndarray | None, inputs: np.ndarray | None = None,
    *, threshold: float = 0.5,
) -> Measure:  # fmt: skip
    """What ``outputs`` are worth, by the kind of the targets.

    - "class": accuracy, the largest output being the class; the confusion of at most `CONFUSED`.
    - "labels": AUC (the mean over labels), F1 likewise, of one label also the accuracy.
    - "values": MAE over all outputs, and RMSE.
    - "input": AUC of the reconstruction's error where there are flags of both kinds, else its
      RMSE over all values.

    Args:
        kind: of `edgetune.data.Targets`.
        outputs: real numbers, (n, ...); what a quantised model gives is dequantised before.
        targets: as `edgetune.data.Dataset` holds them in ``test_y``.
        inputs: of kind "input" the model's real inputs, (n, ...), of as many values as outputs.
        threshold: the output from which on a label is taken for 1; 0 where outputs are logits.

    Returns:
        a `Measure`; what cannot be worked out is None in it, with the reason.
    """
    if not len(outputs):
        return _unknown(kind, "there are no samples")
    outputs = np.asarray(outputs).reshape(len(outputs), -1)
    if not np.isfinite(outputs).all():
        return _unknown(kind, "outputs are NaN or infinite")
    if kind == "input":
        return _reconstruction(outputs, inputs, targets)
    if kind == "labels":
        return _labels(outputs, targets, threshold)
    return {"class": _classes, "values": _values}[kind](outputs, targets)


def _unknown(kind: str, reason: str) -> Measure:
    name = _HEADLINES[kind]
    return Measure(name, None, name in ("accuracy", "AUC"), reason=reason)


def _classes(outputs: np.ndarray, targets: np.ndarray) -> Measure:
    predicted = predicted_classes(outputs)
    size = max(outputs.shape[1], int(targets.max()) + 1)
    counts = confusion(predicted, targets, size).tolist() if size <= CONFUSED else None
    return Measure("accuracy", accuracy(predicted, targets), True, confusion=counts)


def _labels(outputs: np.ndarray, targets: np.ndarray, threshold: float) -> Measure:
    targets, taken = targets.reshape(outputs.shape), outputs >= threshold
    aucs = [auc(scores, y) for scores, y in zip(outputs.T, targets.T)]
    scores = [f1(answers, y) for answers, y in zip(taken.T, targets.T)]
    others = {"F1": mean_of_known(scores)}
    if len(aucs) == 1:
        others["accuracy"] = accuracy(taken[:, 0], targets[:, 0] == 1)
    else:
        others |= {"AUC by label": aucs, "F1 by label": scores}
    return Measure("AUC", mean_of_known(aucs), True, others, _one_sided(aucs))


def _one_sided(aucs: list[float | None]) -> str:
    """Why some of the labels have no AUC."""
    missing = [label for label, value in enumerate(aucs) if value is None]
    if not missing:
        return ""
    if len(aucs) == 1:
        return "all samples have the same label"
    listed = ", ".join(map(str, missing[:8])) + " ..." * (len(missing) > 8)
    return f"all samples are alike in labels {listed}, which are left out of the AUC"


def _values(outputs: np.ndarray, targets: np.ndarray) -> Measure:
    targets = targets.reshape(outputs.shape)
    absolute, squared = mae(outputs, targets), rmse(outputs, targets)
    others = {"RMSE": float(np.sqrt((squared**2).mean()))}
    if len(absolute) > 1:
        others |= {"MAE by output": absolute.tolist(), "RMSE by output": squared.tolist()}
    return Measure("MAE", float(absolute.mean()), False, others)


def _reconstruction(
    outputs: np.ndarray, inputs: np.ndarray, flags: np.ndarray | None
) -> Measure:
    errors = reconstruction_errors(outputs, inputs)
    overall = _rms(errors)
    if flags is None:
        return Measure("RMSE", overall, False)
    found = auc(errors, flags)
    if found is None:
        which = "flagged as anomalies" if flags.any() else "normal"
        reason = f"the AUC is unknown, since all samples are {which}"
        return Measure("RMSE", overall, False, {"AUC": None}, reason)
    others = {
        "RMSE": overall,
        "RMSE of normal": _rms(errors[flags == 0]),
        "RMSE of anomalies": _rms(errors[flags == 1]),
    }
    return Measure("AUC", found, True, others)


def _rms(errors: np.ndarray) -> float:
    """Over all values, of the same over each sample's."""
    return float(np.sqrt((errors**2).mean()))
