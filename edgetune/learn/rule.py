"""The discrete multinomial update rule: how many steps, and which weights take them.

Source: Convergence for Discrete Parameter Updates (arXiv 2512.04051), with the null mass C,
annealing and the depth-scaled default.  ``docs/numerics.md`` sections 5 to 7.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgetune.learn.fixedpoint import bit_length
from edgetune.learn.generator import Generator
from edgetune.learn.operators import BIAS_INPUT, WeightedLayer

MEAN_COUNT = 64  # C is the mean of the first 64 gradient masses that are not zero
BIAS_LIMIT = 2**30


def depth_scaled(trained_layers: int) -> float:
    """a(L) = 48 * min(1, (4 / L)**2), L = number of trained weighted layers."""
    return 48.0 * min(1.0, (4.0 / trained_layers) ** 2)


def trials_q8(a: float, count: int) -> int:
    """The most trials a step can have, ``round(256 * a * sqrt(count))``.

    Args:
        count: of the layer's weights; of its biases where they learn alone.
    """
    return math.floor(256.0 * a * math.sqrt(count) + 0.5)


@dataclass
class NullMass:
    """C as a block floating-point sum: ``C = total * 2**exponent / count``."""

    total: int = 0
    exponent: int = 0
    count: int = 0

    def ratio_q16(self, mass: int, exponent: int) -> int:
        """S / (S + C) in Q16 for S = ``mass`` * 2**``exponent`` > 0; counts S into C first."""
        drop = max(0, bit_length(mass) - 24)
        mass, exponent = mass >> drop, exponent + drop
        if self.count < MEAN_COUNT:
            self._add(mass, exponent)
        mean = self.total // self.count
        mass, mean, _ = _align(mass, exponent, mean, self.exponent)
        return (mass << 16) // (mass + mean) if mass else 0

    def _add(self, mass: int, exponent: int) -> None:
        if self.count == 0:
            self.exponent = exponent
        mass, self.total, self.exponent = _align(mass, exponent, self.total, self.exponent)
        self.total += mass
        self.count += 1


def _align(a: int, a_exponent: int, b: int, b_exponent: int) -> tuple[int, int, int]:
    """Both mantissas at the larger exponent, and that exponent."""
    exponent = max(a_exponent, b_exponent)
    return a >> (exponent - a_exponent), b >> (exponent - b_exponent), exponent


def anneal_q16(step: int, total_steps: int) -> int:
    """1 - step / total_steps in Q16; 1 throughout where ``total_steps`` is 0."""
    if total_steps == 0:
        return 1 << 16
    return (max(0, total_steps - step) << 16) // total_steps


def trial_count(limit_q8: int, ratio_q16: int, anneal: int, generator: Generator) -> int:
    """The number of trials n: its fraction is settled by one random word."""
    n_q16 = (((limit_q8 * ratio_q16) >> 8) * anneal) >> 16
    return (n_q16 >> 16) + ((generator.next() >> 16) < (n_q16 & 0xFFFF))


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


def apply_steps(layer: WeightedLayer, steps: np.ndarray) -> None:
    """Subtract ``steps`` from weights and biases, saturating.

    Args:
        steps: int64 [rows, row_size + 1], the biases' last; or theirs alone, [rows, 1].
    """
    if steps.shape[1] > 1:
        weights = layer.by_row(layer.weights)  # a view
        moved = np.clip(weights.astype(np.int64) - steps[:, :-1], -127, 127)
        weights[...] = np.where(steps[:, :-1] != 0, moved, weights)
    bias = np.clip(layer.bias - steps[:, -1] * BIAS_INPUT, -BIAS_LIMIT, BIAS_LIMIT)
    layer.bias[...] = np.where(steps[:, -1] != 0, bias, layer.bias)
