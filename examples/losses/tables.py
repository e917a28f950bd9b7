"""What the tables have in common: a task's figure, how it is shown, and a line a task."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from shipped_data import TASKS, Task

from edgetune.measures.measure import Measure


def figure(task: Task, found: Measure) -> float:
    """The measure that is compared, whether or not a run is judged by it."""
    return found.value if found.name == task.figure else found.others[task.figure]


def figures(task: Task, found: Iterable[Measure]) -> np.ndarray:
    return np.array([figure(task, one) for one in found])


def summary(values: np.ndarray) -> str:
    """Mean and standard deviation."""
    deviation = np.std(values, ddof=1) if len(values) > 1 else 0.0
    return f"{np.mean(values):.4f} +- {deviation:.4f}"


def parse(about: str, seeds: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--task", choices=list(TASKS), action="append", help="all without it")
    parser.add_argument("--seeds", type=int, default=seeds)
    return parser.parse_args()


def print_table(
    columns: Iterable[str], tasks: Iterable[str] | None, cells: Callable[[Task, Path], list[str]]
) -> None:
    """A line a task, all of them where none is named.

    ``cells``: of a task, whose files go into a folder.
    """
    columns = "task", "figure", *columns
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in tasks or TASKS:
            task = TASKS[name]()
            found = name, task.figure, *cells(task, Path(folder, name))
            print(f"| {' | '.join(found)} |", flush=True)
