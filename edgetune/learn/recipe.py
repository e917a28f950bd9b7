"""The Recipe: what is trained, and how."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from edgetune.errors import UsageError
from edgetune.learn.program import Program, WeightedLayer
from edgetune.learn.rule import DRAWS, depth_scaled, trials_q8

MAX_TRIALS = 65535  # of one layer in one step: they are counted in 16 bits


@dataclass(frozen=True)
class Recipe:
    """Layers and settings of a fine-tuning run.

    ``layers``: "all", "last", or operator names as ``inspect`` prints them.
    ``rate``: a, the trials of a step over sqrt(weights); None for the depth-scaled default.
    ``draw``: "systematic" or "independent" (the multinomial).
    ``reset``: zero the trained layers' weights and biases first (a new head).
    """

    layers: tuple[str, ...] = ("all",)
    rate: float | None = None
    draw: str = "systematic"
    reset: bool = False

    def __post_init__(self):
        if self.draw not in DRAWS:
            raise UsageError(
                f"unknown draw '{self.draw}'", f"the draws are {', '.join(DRAWS)}",
                "choose one of them",
            )
        if self.rate is not None and not 0 < self.rate <= 4096:
            raise UsageError(
                f"the rate {self.rate} is out of range", "it must lie above 0 and up to 4096",
                "leave it out: the default scales with the number of trained layers",
            )

    def trained(self, program: Program) -> list[WeightedLayer]:
        """The layers that this recipe trains, in the program's order.

        Raises:
            UsageError: a name that the program does not have, or nothing to train.
        """
        weighted = program.weighted_layers
        names = {layer.name: layer for layer in weighted}
        if not weighted:
            raise UsageError(
                "the model has nothing to train", "it holds no weighted operator",
                "use a model with a convolution or a dense layer",
            )
        if self.layers == ("all",):
            return weighted
        if self.layers == ("last",):
            return weighted[-1:]
        unknown = [name for name in self.layers if name not in names]
        if unknown or not self.layers:
            raise UsageError(
                f"no layer named {', '.join(unknown) or '(none given)'}",
                f"the model's trainable layers are {', '.join(names)}",
                "name some of them, or use all or last",
            )
        return [layer for layer in weighted if layer.name in self.layers]

    def rate_for(self, trained: int) -> float:
        return depth_scaled(trained) if self.rate is None else self.rate

    def limits_q8(self, program: Program) -> list[int]:
        """The most trials a step can have for each trained layer, in Q8."""
        trained = self.trained(program)
        rate = self.rate_for(len(trained))
        limits = [trials_q8(rate, layer.weights.size) for layer in trained]
        if max(limits) > MAX_TRIALS << 8:
            raise UsageError(
                f"the rate {rate} gives a layer {max(limits) >> 8} trials a step",
                f"at most {MAX_TRIALS} can be counted",
                "lower the rate",
            )
        return limits

    def as_dict(self) -> dict:
        return asdict(self)
