"""What each part of the adaptive rule is for: accuracy without it, or with another constant.

    python examples/accuracy/ablation.py [--task NAME ...] [--rule VARIANT ...] [--factors 1 4]

A line a variant, columns the tasks at factors of the default rate: mean and standard deviation over
the seeds, in %, on a third of the tuning set that is held out, another one for each seed.  The
variants are made when a plan is, so that the firmware's code is the product's.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import sqrt
from unittest.mock import patch

import runs
from runs import Setting, end, header, line, mapping, options
from tasks import NAMES

from edgetune.learn.rules import RULES, Adaptive
from edgetune.learn.rules.adaptive import LayerFacts
from edgetune.learn.rules.rule import MAX_TRIALS
from edgetune.learn.scaled import Scaled, scaled, scaled_real

TASKS = "har", "mnist", "kws", "mlp5", "cnn14", "dw22"
FACTORS = 1, 4
AS_IT_IS = "as it is"


class NoCentre(Adaptive):
    """Weights move about the zero point of their layer's input."""

    def centred(self, index: int) -> bool:
        return False


class NoEcho(Adaptive):
    """The goal does not hear of the class before."""

    @classmethod
    def observers(cls, loss):
        return super().observers(loss)[-1:]


class Changed(Adaptive):
    """Other facts of layers than the rule's."""

    def _facts(self, index: int) -> LayerFacts:
        facts, layer = super()._facts(index), self.learning.trained[index]
        return replace(facts, **self.changes(facts, self._is_last(layer)))

    def changes(self, facts: LayerFacts, is_last: bool) -> dict:
        raise NotImplementedError


class NoBoundOfMoves(Changed):
    """Layers move their outputs as far as the goal asks."""

    def changes(self, facts, is_last):
        return {"most_moved": times(facts.most_moved, 1 << 20), "of_output": Scaled()}


class NoBoundOfDepth(Changed):
    """As far as their outputs are large."""

    def changes(self, facts, is_last):
        return {} if is_last else {"most_moved": times(facts.most_moved, 1 << 20)}


class NoBoundOfOutputs(Changed):
    """As far as the depth allows, however small the outputs are."""

    def changes(self, facts, is_last):
        return {"of_output": Scaled()}


class HalfTheBound(Changed):
    """By depth, of hidden layers."""

    def changes(self, facts, is_last):
        return {} if is_last else {"most_moved": times(facts.most_moved, 0.5)}


class TwiceTheBound(Changed):
    """By depth, of hidden layers."""

    def changes(self, facts, is_last):
        return {} if is_last else {"most_moved": times(facts.most_moved, 2)}


class LastLayerLess(Changed):
    """The logits move by at most 16 steps."""

    def changes(self, facts, is_last):
        return {"most_moved": times(facts.most_moved, 1 / 4)} if is_last else {}


class NoCap(Changed):
    """Any number of trials a weight."""

    def changes(self, facts, is_last):
        return {"most_trials_q16": MAX_TRIALS << 16}


class RootShare(Changed):
    """Trials in proportion to the root of a layer's weights."""

    def changes(self, facts, is_last):
        return {"share": scaled(round(sqrt(facts.share.mantissa * 2.0**facts.share.exponent)))}


def times(value: Scaled, factor: float) -> Scaled:
    return value * scaled_real(factor)


VARIANTS = {
    AS_IT_IS: Adaptive,
    "without a centre": NoCentre,
    "without the echo": NoEcho,
    "without bounds of moves": NoBoundOfMoves,
    "without that by depth": NoBoundOfDepth,
    "half of that by depth": HalfTheBound,
    "twice that by depth": TwiceTheBound,
    "without that by outputs": NoBoundOfOutputs,
    "last layer 16 steps": LastLayerLess,
    "without 1.5 trials a weight": NoCap,
    "trials by the root of weights": RootShare,
}


def cell(setting: Setting, seeds: int) -> str:
    """Of the table: all seeds of a setting whose rule is a variant."""
    with patch.dict(RULES, VARIANTS):
        return runs.cell(setting, seeds)


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, NAMES, TASKS, several_rules=VARIANTS)
    parser.add_argument("--factors", type=float, nargs="+", default=FACTORS)
    given = parser.parse_args(arguments)
    tasks, variants = given.task or TASKS, given.rule or VARIANTS
    columns = list(product(tasks, given.factors))
    settings = [
        Setting(task, variant, factor, held_out=True, data=given.data, networks=given.networks)
        for variant, (task, factor) in product(variants, columns)
    ]
    print(header("variant", *(f"{task} x{factor:g}" for task, factor in columns)), flush=True)
    with mapping(given.jobs) as each:
        cells = each(cell, settings, [given.seeds] * len(settings))
        for variant in variants:
            print(line(variant, *(next(cells) for _ in columns)), flush=True)
    return 0


if __name__ == "__main__":
    end(main)
