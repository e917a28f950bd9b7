"""What each part of the adaptive rule is for: accuracy without it, or with another constant.

    python examples/accuracy/ablation.py [--task NAME ...] [--rule VARIANT ...] [--factors 1 4]

A line a variant, columns the tasks at factors of the default rate: mean and standard deviation over
the seeds, in %, on a third of the tuning set that is held out, another one for each seed.  The
variants are made when a plan is, so that the firmware's code is the product's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from math import sqrt
from unittest.mock import patch

import runs
from runs import Setting, end, header, mapping, options, print_lines
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


def with_facts(changes: Callable[[LayerFacts, bool], dict]) -> type[Adaptive]:
    """The rule with other facts of layers; ``changes``: of a layer's own, and whether it is the
    last one."""

    class Changed(Adaptive):
        def _facts(self, index: int) -> LayerFacts:
            facts, layer = super()._facts(index), self.learning.trained[index]
            return replace(facts, **changes(facts, self._is_last(layer)))

    return Changed


def moves(hidden: float = 1, last: float = 1) -> type[Adaptive]:
    """The bound of moves by depth, and that of the logits, times a factor."""
    return with_facts(lambda facts, is_last: {
        "most_moved": facts.most_moved * scaled_real(last if is_last else hidden)
    })


def root(share: Scaled) -> Scaled:
    return scaled(round(sqrt(share.mantissa * 2.0**share.exponent)))


NO_BOUND = 1 << 20  # times one

VARIANTS = {
    AS_IT_IS: Adaptive,
    "without a centre": NoCentre,
    "without the echo": NoEcho,
    "without bounds of moves": with_facts(lambda facts, _: {
        "most_moved": facts.most_moved * scaled_real(NO_BOUND), "of_output": Scaled()
    }),
    "without that by depth": moves(hidden=NO_BOUND),
    "half of that by depth": moves(hidden=1 / 2),
    "twice that by depth": moves(hidden=2),
    "without that by outputs": with_facts(lambda *_: {"of_output": Scaled()}),
    "last layer 16 steps": moves(last=1 / 4),
    "without 1.5 trials a weight": with_facts(lambda *_: {"most_trials_q16": MAX_TRIALS << 16}),
    "trials by the root of weights": with_facts(lambda facts, _: {"share": root(facts.share)}),
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
        print_lines(variants, cells, len(columns))
    return 0


if __name__ == "__main__":
    end(main)
