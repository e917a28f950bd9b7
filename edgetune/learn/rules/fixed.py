"""Trials by a rate that is settled beforehand: with depth, null mass and annealing."""

from __future__ import annotations

import math

from edgetune.errors import UsageError
from edgetune.learn.rules.null_mass import NullMass
from edgetune.learn.rules.rule import MAX_TRIALS, Gradient, Learning, Outcome, Rule, anneal_q16


class FixedRate(Rule):
    """``limits_q8``: the most trials of a step, for each trained layer.

    Args:
        rate: a; None for the depth-scaled default.

    Raises:
        UsageError: a layer would have more trials than can be counted.
    """

    name = "fixed"
    symbol = "fixed_rate"
    layer_words = NullMass

    def __init__(self, learning: Learning, rate: float | None = None):
        super().__init__(learning)
        a = depth_scaled(max(1, len(learning.trained))) if rate is None else rate
        self.rate = a
        self.limits_q8 = [trials_q8(a, learning.count(layer)) for layer in learning.trained]
        if max(self.limits_q8, default=0) > MAX_TRIALS << 8:
            raise UsageError(
                f"the rate {a} gives a layer {max(self.limits_q8) >> 8} trials a step",
                f"at most {MAX_TRIALS} can be counted",
                "lower the rate",
            )

    def observe(self, outcome: Outcome) -> None:
        self.anneal = anneal_q16(outcome.step, outcome.total_steps)

    def trials_q16(self, index: int, gradient: Gradient) -> int:
        ratio = self.layers[index].ratio_q16(gradient.mass, gradient.exponent)
        return (((self.limits_q8[index] * ratio) >> 8) * self.anneal) >> 16


def depth_scaled(trained_layers: int) -> float:
    """a(L) = 48 * min(1, (4 / L)**2), L = number of trained weighted layers."""
    return 48.0 * min(1.0, (4.0 / trained_layers) ** 2)


def trials_q8(a: float, count: int) -> int:
    """The most trials a step can have, ``round(256 * a * sqrt(count))``."""
    return math.floor(256.0 * a * math.sqrt(count) + 0.5)
