"""What learning changed in the weights, layer by layer."""

from __future__ import annotations

import numpy as np

from edgetune.learn.learner import Learner

MOST_WEIGHT = 127  # a weight's bound, either way


def layer_changes(before: Learner, after: Learner) -> list[dict]:
    """A row a trained layer, for JSON: ``weights`` there are, how many ``changed``, their mean
    and ``largest`` change without sign, in steps of a weight; ``at_bound``: weights at -127 or
    127; ``biases_changed``, and by at most how much, in the bias's own steps."""
    return [_row(old, new) for old, new in zip(before.trained, after.trained, strict=True)]


def _row(old, new) -> dict:
    moved = np.abs(new.weights.astype(np.int64) - old.weights)
    biases = np.abs(new.bias.astype(np.int64) - old.bias)
    changed = int(np.count_nonzero(moved))
    return {
        "layer": new.name, "weights": int(moved.size), "changed": changed,
        "mean": round(float(moved.sum()) / changed, 3) if changed else 0.0,
        "largest": int(moved.max(initial=0)),
        "at_bound": int(np.count_nonzero(np.abs(new.weights.astype(np.int64)) >= MOST_WEIGHT)),
        "biases_changed": int(np.count_nonzero(biases)), "largest_bias": int(biases.max(initial=0)),
    }
