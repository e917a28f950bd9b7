"""The published rule: one multinomial over a tensor, with its null mass and number of trials.

Source: Convergence for Discrete Parameter Updates (arXiv 2512.04051), in the form that its
authors' experiment has (``optimize.py`` of the repository that the paper names).
``docs/numerics.md`` section 5.
"""

from __future__ import annotations

import math

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.errors import UsageError
from edgetune.learn.rules.rule import MAX_TRIALS, Gradient, Learning, Rule
from edgetune.learn.scaled import Scaled, scaled_real

NULL_MASS = 1.0  # c as published, in the unit of the loss's derivative by a weight's integer
BOUNDLESS = Scaled(1 << 23, 1 << 16)  # where a gradient has no unit that a float holds


@dataclass
class MultinomialLayer:
    """``added``: c in the unit of the layer's last gradient."""

    added: int = 0


class Multinomial(Rule):
    """A weight's probability is (|g| + c) / (sum of |g| + d c), d counting biases too.

    Args:
        rate: trials of a step over the published number, round(d^(1/m)) for d weights of m
            dimensions; None for 1.
        null_mass: c >= 0, None for the published 1.

    Raises:
        UsageError: c is out of range, or a layer would have more trials than can be counted.
    """

    name = "multinomial"
    symbol = "multinomial"
    factored = False
    has_null_mass = True
    layer_words = MultinomialLayer
    layers: list[MultinomialLayer]

    def __init__(
        self, learning: Learning, rate: float | None = None, null_mass: float | None = None
    ):
        super().__init__(learning)
        self.rate = 1.0 if rate is None else rate
        self.null_mass = NULL_MASS if null_mass is None else null_mass
        if not 0 <= self.null_mass <= 2**20:
            raise UsageError(
                f"the null mass {self.null_mass} is out of range",
                "it must lie from 0 to 1048576", "leave it out for the published 1",
            )
        self.null_masses = [self._in_units(unit) for unit in learning.backward.gradient_units]
        self.trials_of = self._trials()

    def _in_units(self, unit: float) -> Scaled:
        """c over the unit of a gradient with exponent 0."""
        if not self.null_mass:
            return Scaled()
        return scaled_real(self.null_mass / unit) if unit else BOUNDLESS

    def _trials(self) -> list[int]:
        published = map(self._published, range(len(self.learning.trained)))
        counts = [math.floor(self.rate * n + 0.5) for n in published]
        if max(counts, default=0) > MAX_TRIALS:
            raise UsageError(
                f"the rate {self.rate} gives a layer {max(counts)} trials a step",
                f"at most {MAX_TRIALS} can be counted", "lower the rate",
            )
        return counts

    def _published(self, index: int) -> int:
        """round(d^(1/m)), halves to even as the experiment has it; the weights of any convolution
        have 4 dimensions, biases that learn alone 1."""
        learning, layer = self.learning, self.learning.trained[index]
        dimensions = (2 if layer.weights.ndim == 2 else 4) if learning.weights else 1
        return round(learning.count(layer) ** (1 / dimensions))

    def begin(self, index: int, exponent: int) -> None:
        """c in the gradient's unit, without its fraction, at most 2**32 - 1."""
        c = self.null_masses[index]
        self.layers[index].added = Scaled(c.mantissa, c.exponent - exponent - 16).to_q16()

    def masses(self, index: int, gradient: Gradient) -> np.ndarray:
        return gradient.magnitudes + self.layers[index].added

    def trials_q16(self, index: int, gradient: Gradient) -> int:
        return self.trials_of[index] << 16
