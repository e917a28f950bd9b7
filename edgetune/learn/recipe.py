"""The Recipe: what is trained, and how."""

from __future__ import annotations

import re
from dataclasses import asdict

from edgetune.dataclass import dataclass
from edgetune.errors import UsageError
from edgetune.learn.draws import DRAWS
from edgetune.learn.losses import AUTO, LossChoice
from edgetune.learn.lower.backward import Backward, lower_backward
from edgetune.learn.operators import WeightedLayer
from edgetune.learn.program import Program
from edgetune.learn.rules import RULES, Adaptive, Learning, Rule
from edgetune.model.constant_inputs import Value, pairs_of, plain

_LAST = re.compile(r"last(?::([1-9]\d{0,5}))?")
BIASES = ("biases",)


@dataclass(frozen=True)
class Recipe:
    """Layers and settings of a fine-tuning run.

    ``layers``: "all" with weights, "last", "last:K" (the last K of them), "none" (run only),
    operator names as ``inspect`` prints them, or "biases": of all layers the biases alone
    (TinyTL, arXiv 2007.11622).
    ``rule``: a name of `RULES`; ``rate``: its constant, as its class says; None for its default.
    ``null_mass``: c of a multinomial as published; None for its default, and for other rules.
    ``draw``: "systematic" or "independent" (the multinomial).
    ``reset``: zero what is trained first (a new head).
    ``output``: of a model with several outputs the one that is trained, its name or number
    (``model.outputs``), by which a `Job` reads it.
    ``inputs``: of a model with several inputs those that are constants (``Constants`` of
    ``model.constant_inputs``: numbers and .npy files), with which a `Job` reads it.
    ``loss``: a name of `LOSSES`, or "auto": the model's end decides.  ``class_weights``,
    ``label_smoothing``, ``huber_delta``: see `LossChoice`.
    """

    layers: tuple[str, ...] = ("all",)
    rule: str = Adaptive.name
    rate: float | None = None
    null_mass: float | None = None
    draw: str = "systematic"
    reset: bool = False
    output: str | int | None = None
    loss: str = AUTO
    class_weights: tuple[float, ...] = ()
    label_smoothing: float = 0.0
    huber_delta: float = 1.0
    inputs: tuple[tuple[str, Value], ...] = ()

    def __post_init__(self):
        _ = self.loss_choice  # raises where it cannot be
        object.__setattr__(self, "inputs", pairs_of(self.inputs))
        if self.rule not in RULES:
            raise UsageError(
                f"unknown rule '{self.rule}'", f"the rules are {', '.join(RULES)}",
                "choose one of them",
            )
        if self.null_mass is not None and not RULES[self.rule].has_null_mass:
            having = [name for name, rule in RULES.items() if rule.has_null_mass]
            raise UsageError(
                f"the rule {self.rule} takes no null mass", f"{' and '.join(having)} do",
                "leave it out, or choose one of these rules",
            )
        if self.draw not in DRAWS:
            raise UsageError(
                f"unknown draw '{self.draw}'", f"the draws are {', '.join(DRAWS)}",
                "choose one of them",
            )
        if self.rate is not None and not 0 < self.rate <= 4096:
            raise UsageError(
                f"the rate {self.rate} is out of range", "it must lie above 0 and up to 4096",
                "leave it out for the rule's default",
            )

    @property
    def loss_choice(self) -> LossChoice:
        return LossChoice(
            self.loss, tuple(self.class_weights), self.label_smoothing, self.huber_delta
        )

    def trained(self, program: Program) -> list[WeightedLayer]:
        """The layers that this recipe trains, in the program's order.

        Raises:
            UsageError: a name that the program does not have, or nothing to train.
        """
        layers = program.weighted_layers
        if self.layers == ("none",):
            return []
        if not layers:
            raise UsageError(
                "the model has nothing to train", "it holds no weighted operator",
                "use a model with a convolution or a dense layer, or train none",
            )
        if self.layers in (("all",), BIASES):
            return layers
        if (count := self._last()) is not None:
            return layers[-count:]
        self._check_names([layer.name for layer in layers])
        return [layer for layer in layers if layer.name in self.layers]

    @property
    def learns_weights(self) -> bool:
        """Whether the trained layers' weights move, not their biases alone."""
        return self.layers != BIASES

    def _last(self) -> int | None:
        """K of "last:K"; 1 of "last"."""
        match = _LAST.fullmatch(self.layers[0]) if len(self.layers) == 1 else None
        return None if match is None else int(match[1] or 1)

    def _check_names(self, known: list[str]) -> None:
        unknown = [name for name in self.layers if name not in known]
        if unknown or not self.layers:
            raise UsageError(
                f"no layer named {', '.join(unknown) or '(none given)'}",
                f"the model's layers with weights are {', '.join(known)}",
                "name some of them, or use all, last, last:K or biases",
            )

    def rule_for(self, program: Program, backward: Backward | None = None) -> Rule:
        """The update rule with its constants for ``program``; ``backward`` where it is known.

        Raises:
            UsageError: the rate is too high for the rule.
        """
        trained = self.trained(program)
        backward = backward or lower_backward(program, trained)
        learning = Learning(program, trained, backward, self.learns_weights)
        more = {} if self.null_mass is None else {"null_mass": self.null_mass}
        return RULES[self.rule](learning, self.rate, **more)

    def as_dict(self) -> dict:
        """What run.json keeps."""
        return asdict(self) | {"inputs": {name: plain(value) for name, value in self.inputs}}
