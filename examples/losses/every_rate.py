"""One default for the other losses too: figures at parts and multiples of its rate.

    python examples/losses/every_rate.py [--task NAME] [--seeds N]

Beside it the fixed rule, and float32 SGD and Adam, each with its rate chosen in a cross-validation
within the tuning set.  Without a guard, so that the rule alone is seen.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads it

import yardstick
from choice import choose
from on_device import OnDevice
from shipped_data import Task
from tables import figure, figures, parse, print_table, summary
from yardstick import Adam, InFloat, Sgd

from edgetune.guard import NONE
from edgetune.learn.recipe import Recipe
from edgetune.measures.measure import Measure
from edgetune.model.graph import Graph

RULES = {Recipe.rule: (0.25, 0.5, 1, 2, 4, 8), "fixed": (1, 2)}  # factors of the default rate
OPTIMIZERS = {"float32 SGD": Sgd, "Adam": Adam}
COLUMNS = (
    "before",
    *(f"{rule} x{factor:g}" for rule, factors in RULES.items() for factor in factors),
    *OPTIMIZERS,
)


def in_float(task: Task, graph: Graph, optimizer: type, seeds: int) -> str:
    """Of the table: float32 with the best of the optimiser's rates."""

    def tuned(part: Task, choice: tuple[type, float], seed: int) -> Measure:
        return InFloat(part, graph, choice).tuned(seed)

    choices = [choice for choice in yardstick.CHOICES if choice[0] is optimizer]
    choice = choose(task, choices, tuned)
    found = (tuned(task, choice, seed) for seed in range(seeds))
    return f"{summary(figures(task, found))} ({choice[1]:g})"


def cells(seeds: int, task: Task, folder: Path) -> list[str]:
    found = []
    for rule, factors in RULES.items():
        device = OnDevice(task, folder / rule, Recipe(rule=rule), NONE)
        default = device.default_rate
        for factor in factors:
            recipe = replace(device.recipe, rate=factor * default)
            at = OnDevice(task, folder / f"{rule}{factor:g}", recipe, NONE)
            results = [at.tuned(seed) for seed in range(seeds)]
            found.append(summary(figures(task, (result.after for result in results))))
    before = f"{figure(task, results[0].before):.4f}"
    floats = (in_float(task, device.graph, one, seeds) for one in OPTIMIZERS.values())
    return [before, *found, *floats]


def main() -> None:
    given = parse(__doc__, seeds=3)
    print_table(COLUMNS, given.task, partial(cells, given.seeds))


if __name__ == "__main__":
    main()
