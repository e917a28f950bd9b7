"""What the tables' runs have in common: which ones, their engine and samples, and the options.

A run is seen in as many steps as `tune` gives it, in the same order: with the same seed it ends
with the same bits.  One engine is compiled for a task, a rule and a rate, and kept by a process.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NoReturn

import numpy as np
from compiled import Compiled
from places import NETWORKS, SHARED
from tasks import Task, load_task

from edgetune.errors import EdgetuneError, UsageError
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.learn.rules import RULES
from edgetune.session.order import sample_order

PASSES = 2
TOO_HIGH = "rate too high"


@dataclass(frozen=True)
class Setting:
    """A task and how it is learnt.

    ``rate`` and ``null_mass``: of the rule, None for its default; ``factor``: of the rate.
    ``steps``: of a run; None for two passes over the task's samples.  ``endless``: steps do not
    anneal.  ``held_out``: tested on a third of the tuning set, another one for each seed, that is
    not learnt.
    """

    task: str
    rule: str = Recipe.rule
    factor: float = 1.0
    steps: int | None = None
    endless: bool = False
    held_out: bool = False
    data: Path = SHARED
    networks: Path = NETWORKS
    rate: float | None = None
    null_mass: float | None = None

    def loaded(self, seed: int) -> Task:
        task = _task(self.task, self.data, self.networks)
        return task.third_held_out(seed) if self.held_out else task

    def engine(self) -> Compiled:
        """Raises UsageError where the rate is too high for the rule."""
        return _engine(replace(self, steps=None, endless=False, held_out=False))


_task = lru_cache(maxsize=1)(load_task)


@lru_cache(maxsize=1)
def _engine(setting: Setting) -> Compiled:
    task = setting.loaded(0)
    recipe = Recipe(rule=setting.rule, rate=setting.rate, null_mass=setting.null_mass)
    if task.head_only:
        recipe = replace(recipe, layers=("last",), reset=True)
    if setting.factor != 1:
        recipe = replace(recipe, rate=setting.factor * default_rate(task, recipe))
    return Compiled(task.graph, recipe)


def default_rate(task: Task, recipe: Recipe) -> float:
    """Of the recipe's rule, for the task's model."""
    return recipe.rule_for(lower(task.graph, recipe.loss_choice)).rate


def order(task: Task, seed: int, steps: int | None = None) -> np.ndarray:
    """The tuning samples of a run, step by step, as `tune` takes them."""
    drawn = min(task.samples, len(task.tune_y))
    passes = PASSES if steps is None else -(-steps // drawn)
    return sample_order(len(task.tune_y), drawn, passes, seed)[:steps]


def learn(engine: Compiled, task: Task, rows: np.ndarray, seed: int, endless: bool) -> float:
    """A run from the model's own weights over ``rows``; test accuracy, %."""
    engine.start(seed, 0 if endless else len(rows))
    engine.train(task.tune_x, task.tune_y, rows)
    return tested(engine, task)


def tested(engine: Compiled, task: Task) -> float:
    """Test accuracy, %."""
    return 100 * engine.accuracy(task.test_x, task.test_y)


def cell(setting: Setting, seeds: int) -> str:
    """Of the table: all seeds of one setting."""
    try:
        return summary(accuracies(setting, seeds))
    except UsageError:
        return TOO_HIGH


def accuracies(setting: Setting, seeds: int) -> list[float]:
    """Test accuracy of each seed's run, %.

    Raises UsageError where the rate is too high for the rule.
    """
    engine, found = setting.engine(), []
    for seed in range(seeds):
        task = setting.loaded(seed)
        rows = order(task, seed, setting.steps)
        found.append(learn(engine, task, rows, seed, setting.endless))
    return found


def before(setting: Setting, seeds: int) -> list[float]:
    """What is tested before each seed's run, %."""
    engine = setting.engine()
    engine.start()
    return [tested(engine, setting.loaded(seed)) for seed in range(seeds)]


def summary(values) -> str:
    """Mean and standard deviation."""
    return f"{np.mean(values):.1f} +- {np.std(values):.1f}"


def header(*columns) -> str:
    return f"| {' | '.join(map(str, columns))} |\n|{'---|' * len(columns)}"


def line(*cells) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def print_lines(names: Iterable[str], cells: Iterator[str], columns: int) -> None:
    """A line for each of the names, as soon as its cells are there."""
    for name in names:
        print(line(name, *islice(cells, columns)), flush=True)


@contextmanager
def mapping(jobs: int) -> Iterator[Callable]:
    """``map``, or that of so many processes; results come in their order."""
    if jobs == 1:
        yield map
    else:
        with ProcessPoolExecutor(jobs) as pool:
            yield pool.map


def options(
    about: str, tasks: tuple[str, ...], chosen: tuple[str, ...],
    several_rules: Collection[str] = (),
) -> argparse.ArgumentParser:
    """The options that all tables have.

    Args:
        tasks: that can be named; ``chosen``: those of a table where none is.
        several_rules: of which ``--rule`` can be given again; none: it names one of all.
    """
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--task", choices=tasks, action="append", metavar="NAME",
                        help=f"of {', '.join(tasks)}; default: {', '.join(chosen)}")
    if several_rules:
        parser.add_argument("--rule", choices=several_rules, action="append")
    else:
        parser.add_argument("--rule", choices=RULES, default=Recipe.rule)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of models and data")
    parser.add_argument("--networks", type=Path, default=NETWORKS, help="what networks.py made")
    return parser


def end(main: Callable[[], int]) -> NoReturn:
    """Ends the process with what ``main`` returns, or with its error in words."""
    try:
        sys.exit(main())
    except EdgetuneError as error:
        said, code = (error.message, error.cause, error.next_step), error.exit_code
    except FileNotFoundError as error:
        how = "Name its folder: --data, or --networks of what examples/accuracy/networks.py makes."
        said, code = (f"{error.filename} is not there.", "", how), 2
    for word, text in zip(("Error", "Cause", "Next"), said):
        if text:
            print(f"{word}: {text}", file=sys.stderr)
    sys.exit(code)
