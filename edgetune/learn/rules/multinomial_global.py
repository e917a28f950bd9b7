"""The published rule over all tensors at once.

Source: as for one tensor, ``ZIMOptimizer`` there.  ``docs/numerics.md`` section 5.
"""

from __future__ import annotations

from edgetune.dataclass import dataclass
from edgetune.learn.rules.multinomial import Multinomial
from edgetune.learn.rules.rule import MAX_TRIALS, Gradient, Outcome
from edgetune.learn.scaled import Scaled, ScaledWords, scaled, scaled_real
from edgetune.learn.words import record


@dataclass
class MultinomialGlobalNetwork:
    """``mass``: of all layers' gradients of this sample."""

    mass: ScaledWords = record(ScaledWords)


@dataclass
class MultinomialGlobalLayer:
    """``added``: c in the unit of the layer's last gradient.  ``mass``: of this sample's, its sum
    of |g| + c in a unit that all layers share."""

    added: int = 0
    mass: ScaledWords = record(ScaledWords)


class MultinomialGlobal(Multinomial):
    """A weight's probability is (|g| + c) / (sum of |g| + d c) over all layers, each |g| in the
    loss's unit.

    Args:
        rate: trials of a step over the published number, that of all values that learn (one
            tensor of one dimension); None for 1.
        null_mass: c >= 0, None for the published 1.

    Raises:
        UsageError: c is out of range.
    """

    name = "multinomial-global"
    symbol = "multinomial_global"
    whole = True
    network_words = MultinomialGlobalNetwork
    layer_words = MultinomialGlobalLayer  # type: ignore[assignment]
    network: MultinomialGlobalNetwork
    layers: list[MultinomialGlobalLayer]  # type: ignore[assignment]

    @classmethod
    def observers(cls, loss):
        return ("multinomial_global_observe",)

    def _trials(self) -> list[int]:
        """Of all layers, the same for each."""
        learning = self.learning
        self.units = [scaled_real(unit) for unit in learning.backward.gradient_units]
        learnt = sum(map(self._entries, range(len(learning.trained))))
        self.trials_of_all = scaled_real(self.rate * max(1, learnt))
        return []

    def _entries(self, index: int) -> int:
        learning, layer = self.learning, self.learning.trained[index]
        return learning.count(layer) + layer.rows * learning.weights

    def observe(self, outcome: Outcome) -> None:
        self.network.mass.value = Scaled()
        for layer in self.layers:
            layer.mass.value = Scaled()

    def measure(self, index: int, gradient: Gradient) -> None:
        self.begin(index, gradient.exponent)
        mass = gradient.mass + self.layers[index].added * gradient.magnitudes.size
        own = scaled(mass, gradient.exponent) * self.units[index]
        self.layers[index].mass.value = own
        self.network.mass.value = self.network.mass.value + own

    def trials_q16(self, index: int, gradient: Gradient) -> int:
        own, all_ = self.layers[index].mass.value, self.network.mass.value
        if not own.mantissa:
            return 0
        return min((self.trials_of_all * own / all_).to_q16(), MAX_TRIALS << 16)
