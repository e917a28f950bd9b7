"""Regression, several labels and anomalies: the device's learning beside float32's.

    python examples/losses/compare.py [--task NAME] [--seeds N]

Prints a table and ends with 1 where the mean at the default rate misses its bar: an RMSE at most
2 % above float's, an AUC at most 1 point below.  The device runs as a process of this computer.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads it

import numpy as np
import on_device
import yardstick
from choice import choose
from on_device import OnDevice
from shipped_data import Task
from tables import figure, figures, parse, print_table, summary
from yardstick import InFloat

from edgetune.learn.recipe import Recipe
from edgetune.measures.measure import Measure
from edgetune.model.graph import Graph

COLUMNS = ("before", "float32", "its rate", "int8, default rate", "worse by",
           "int8, chosen rate", "rate", "worse by", "allowed")  # fmt: skip


class Comparison:
    """A task's figures.  ``float``, ``default``, ``chosen``: arrays, after tuning with each seed;
    ``before``: of the int8 model."""

    def __init__(self, task: Task, folder: Path, seeds: int):
        self.task, self.seeds = task, range(seeds)
        device = OnDevice(task, folder / "default")
        results = [device.tuned(seed) for seed in self.seeds]
        self.before = figure(task, results[0].before)
        self.default = figures(task, (result.after for result in results))
        self._tune_in_float(device.graph)
        self._tune_at_the_chosen_rate(folder)

    def _tune_in_float(self, graph: Graph):
        def tuned(part: Task, choice: tuple[type, float], seed: int) -> Measure:
            return InFloat(part, graph, choice).tuned(seed)

        self.choice = choose(self.task, yardstick.CHOICES, tuned)
        found = (tuned(self.task, self.choice, seed) for seed in self.seeds)
        self.float = figures(self.task, found)

    def _tune_at_the_chosen_rate(self, folder: Path):
        devices = {
            rate: OnDevice(self.task, folder / f"rate{rate}", Recipe(rate=rate))
            for rate in on_device.CHOICES
        }

        def tuned(part: Task, rate: float | None, seed: int) -> Measure:
            return devices[rate].tuned(seed, part).after

        self.rate = choose(self.task, on_device.CHOICES, tuned)
        found = (tuned(self.task, self.rate, seed) for seed in self.seeds)
        self.chosen = figures(self.task, found)

    def gap(self, ours: np.ndarray) -> float:
        """How much worse the mean is than float's: an RMSE in per cent, an AUC in points."""
        if self.task.figure == "AUC":
            return 100 * (self.float.mean() - ours.mean())
        return 100 * (ours.mean() / self.float.mean() - 1)

    @property
    def allowed(self) -> float:
        return 1.0 if self.task.figure == "AUC" else 2.0

    def cells(self) -> list[str]:
        unit = "points" if self.task.figure == "AUC" else "%"
        return [
            f"{self.before:.4f}", summary(self.float),
            f"{self.choice[0].__name__} {self.choice[1]:g}",
            summary(self.default), f"{self.gap(self.default):+.2f} {unit}",
            summary(self.chosen), "default" if self.rate is None else f"{self.rate:g}",
            f"{self.gap(self.chosen):+.2f} {unit}", f"{self.allowed:g} {unit}",
        ]


def main() -> int:
    given, missed = parse(__doc__, seeds=10), []

    def cells(task: Task, folder: Path) -> list[str]:
        found = Comparison(task, folder, given.seeds)
        missed.append(found.gap(found.default) > found.allowed)
        return found.cells()

    print_table(COLUMNS, given.task, cells)
    return int(any(missed))


if __name__ == "__main__":
    raise SystemExit(main())
