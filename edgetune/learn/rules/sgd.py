"""What the rules of int8 SGD share: the step of stochastic gradient descent on a weight's grid.

A weight's step in real numbers is rate * dL/dW, that over its scale what its integer should move.
``docs/numerics.md`` section 5.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.generator import Generator
from edgetune.learn.operators import BIAS_INPUT, WeightedLayer
from edgetune.learn.rules.rule import Draw, Gradient, Learning, Outcome, Rule, anneal_q16
from edgetune.learn.scaled import Scaled, scaled, scaled_real

MOST_Q16 = 255 << 16  # of one value in one step: further than a weight can go


@dataclass(frozen=True)
class SgdFacts:
    """``factors``: of a layer's rows, or one for all of them: a step over rate-free gradient with
    exponent 0, in LSB; ``bias``: that of a bias over its row's."""

    factors: list[Scaled]
    bias: Scaled


class Sgd(Rule):
    """``rate``: the learning rate in real numbers, as float32 SGD would take it at the start."""

    default: ClassVar[float]
    sources = ("sgd.c",)
    drawn = False

    def __init__(self, learning: Learning, rate: float | None = None):
        super().__init__(learning)
        self.rate = self.default if rate is None else rate
        self.facts = [self._facts(index) for index in range(len(learning.trained))]

    def _facts(self, index: int) -> SgdFacts:
        layer, program = self.learning.trained[index], self.learning.program
        unit = self.rate * self.learning.backward.gradient_units[index]
        constant = BIAS_INPUT * program.activations[layer.input].scale
        return SgdFacts(
            [scaled_real(unit / scale**2) for scale in _scales(layer)], scaled_real(constant**-2)
        )

    def observe(self, outcome: Outcome) -> None:
        self.anneal = scaled(anneal_q16(outcome.step, outcome.total_steps), -16)

    def counts(
        self, index: int, gradient: Gradient, draw: Draw, generator: Generator
    ) -> np.ndarray:
        return self.rounded(self.steps_q16(index, gradient), generator)

    def steps_q16(self, index: int, gradient: Gradient) -> np.ndarray:
        """The steps in Q16, int64, up to `MOST_Q16`."""
        facts, steps = self.facts[index], np.empty_like(gradient.magnitudes)
        for row, magnitudes in enumerate(gradient.magnitudes):
            factor = facts.factors[row % len(facts.factors)] * self.anneal
            steps[row, :-1] = times_q16(magnitudes[:-1], factor, gradient.exponent)
            bias = factor * facts.bias
            steps[row, -1:] = times_q16(magnitudes[-1:], bias, gradient.exponent)
        return steps

    def rounded(self, steps_q16: np.ndarray, generator: Generator) -> np.ndarray:
        """As whole LSB."""
        raise NotImplementedError


def times_q16(magnitudes: np.ndarray, factor: Scaled, exponent: int) -> np.ndarray:
    """magnitudes * factor * 2**exponent in Q16, without what lies below, at most `MOST_Q16`."""
    products = magnitudes * factor.mantissa
    shift = -(factor.exponent + exponent + 16)
    if shift < 0:  # a single one would be 128 and more
        return np.where(products > 0, MOST_Q16, 0)
    return np.minimum(products >> min(shift, 63), MOST_Q16)


def _scales(layer: WeightedLayer) -> list[float]:
    """Of the weights, a row each, or one where all rows have the same."""
    if layer.ratio is None:
        return [layer.weight_scale]
    return [layer.weight_scale * max(1, ratio) / 2**15 for ratio in layer.ratio.tolist()]
