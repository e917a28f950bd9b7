"""Which weights take the steps of an update: the discrete multinomial and its systematic form.

Source: Convergence for Discrete Parameter Updates (arXiv 2512.04051).  ``docs/numerics.md``
sections 6 and 7.
"""

from __future__ import annotations

import numpy as np

from edgetune.learn.generator import Generator
from edgetune.learn.operators import BIAS_INPUT, WeightedLayer

BIAS_LIMIT = 2**30


def systematic_draw(magnitudes: np.ndarray, n: int, generator: Generator) -> np.ndarray:
    """``n`` equal strides through the cumulative magnitudes from one random offset.

    Args:
        magnitudes: int64 [rows, columns], sum S > 0.
    Returns:
        int64 counts of the same shape, with sum ``n`` and expectation n * magnitude / S.
    """
    total = int(magnitudes.sum())
    offset = generator.below(total)
    points = [(k * total + offset) // n for k in range(n)]
    cumulative = np.cumsum(magnitudes.reshape(-1))
    chosen = np.searchsorted(cumulative, np.array(points, np.int64), side="right")
    return np.bincount(chosen, minlength=magnitudes.size).reshape(magnitudes.shape)


def independent_draw(magnitudes: np.ndarray, n: int, generator: Generator) -> np.ndarray:
    """``n`` independent trials: the multinomial.  First a row each, then, row by row, a column."""
    counts = np.zeros(magnitudes.shape, np.int64)
    cumulative = np.cumsum(magnitudes.sum(axis=1))
    total = int(cumulative[-1])
    rows = [int(np.searchsorted(cumulative, generator.below(total), "right")) for _ in range(n)]
    for row, hits in enumerate(np.bincount(rows, minlength=len(counts)) if n else []):
        within = np.cumsum(magnitudes[row])
        for _ in range(hits):
            point = generator.below(int(within[-1]))
            counts[row, np.searchsorted(within, point, side="right")] += 1
    return counts


DRAWS = {"systematic": systematic_draw, "independent": independent_draw}


def apply_steps(layer: WeightedLayer, steps: np.ndarray, centre: int = 0) -> int:
    """Subtract ``steps`` from weights and biases, saturating; how many of them were held.

    Args:
        steps: int64 [rows, row_size + 1], the biases' last; or theirs alone, [rows, 1].
        centre: the input over its zero point at which a row's bias takes back what its weights'
            moves change.
    """
    held, _ = _move(layer.bias, steps[:, -1] * BIAS_INPUT, BIAS_LIMIT)
    if steps.shape[1] > 1:
        held_weights, moved = _move(layer.by_row(layer.weights), steps[:, :-1], 127)
        held += held_weights
        _move(layer.bias, centre * moved, BIAS_LIMIT)
    return held


def _move(values: np.ndarray, steps: np.ndarray, limit: int) -> tuple[int, np.ndarray]:
    """Subtract ``steps`` where they are not 0, within ``limit``; how many were held by it, and by
    how much all values of a row moved together, int64 [rows]."""
    places = steps.nonzero()  # few
    before = values[places].astype(np.int64)
    wanted = before - steps[places]
    values[places] = after = np.clip(wanted, -limit, limit)
    moved = np.zeros(len(values), np.int64)
    np.add.at(moved, places[0], after - before)
    return int(np.count_nonzero(after != wanted)), moved
