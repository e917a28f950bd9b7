"""Regression, several labels and anomalies: the device's learning beside float32's.

    python examples/losses/compare.py [--task NAME] [--seeds N]

Prints a table and ends with 1 where the mean at the default rate misses its bar: an RMSE at most
2 % above float's, an AUC at most 1 point below.  The device runs as a process of this computer.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads it

import numpy as np
import on_device
import yardstick
from choice import choose
from on_device import OnDevice
from shipped_data import TASKS, Task
from yardstick import InFloat

from edgetune.measures.measure import Measure
from edgetune.model.graph import Graph

HEADERS = ("task", "figure", "before", "float32", "its rate", "int8, default rate", "worse by",
           "int8, chosen rate", "rate", "worse by", "allowed")  # fmt: skip


class Comparison:
    """A task's figures.  ``float``, ``default``, ``chosen``: arrays, after tuning with each seed;
    ``before``: of the int8 model."""

    def __init__(self, task: Task, folder: Path, seeds: int):
        self.task, self.seeds = task, range(seeds)
        device = OnDevice(task, folder / "default")
        results = [device.tuned(seed) for seed in self.seeds]
        self.before = self._figure(results[0].before)
        self.default = self._figures(result.after for result in results)
        self._tune_in_float(device.graph)
        self._tune_at_the_chosen_rate(folder)

    def _tune_in_float(self, graph: Graph):
        def tuned(part: Task, choice: tuple[type, float], seed: int) -> Measure:
            return InFloat(part, graph, choice).tuned(seed)

        self.choice = choose(self.task, yardstick.CHOICES, tuned)
        self.float = self._figures(tuned(self.task, self.choice, seed) for seed in self.seeds)

    def _tune_at_the_chosen_rate(self, folder: Path):
        devices = {
            rate: OnDevice(self.task, folder / f"rate{rate}", rate) for rate in on_device.CHOICES
        }

        def tuned(part: Task, rate: float | None, seed: int) -> Measure:
            return devices[rate].tuned(seed, part).after

        self.rate = choose(self.task, on_device.CHOICES, tuned)
        self.chosen = self._figures(tuned(self.task, self.rate, seed) for seed in self.seeds)

    def _figures(self, found: Iterable[Measure]) -> np.ndarray:
        return np.array([self._figure(one) for one in found])

    def _figure(self, found: Measure) -> float:
        """The measure that is compared, whether or not a run is judged by it."""
        figure = self.task.figure
        return found.value if found.name == figure else found.others[figure]

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
            self.task.figure, f"{self.before:.4f}", summary(self.float),
            f"{self.choice[0].__name__} {self.choice[1]:g}",
            summary(self.default), f"{self.gap(self.default):+.2f} {unit}",
            summary(self.chosen), "default" if self.rate is None else f"{self.rate:g}",
            f"{self.gap(self.chosen):+.2f} {unit}", f"{self.allowed:g} {unit}",
        ]


def summary(values: np.ndarray) -> str:
    deviation = np.std(values, ddof=1) if len(values) > 1 else 0.0
    return f"{np.mean(values):.4f} +- {deviation:.4f}"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=list(TASKS), action="append", help="all without it")
    parser.add_argument("--seeds", type=int, default=10)
    return parser.parse_args()


def main() -> int:
    given = parse()
    print(f"| {' | '.join(HEADERS)} |\n|{'---|' * len(HEADERS)}", flush=True)
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in given.task or TASKS:
            found = Comparison(TASKS[name](), Path(folder, name), given.seeds)
            print(f"| {' | '.join([name, *found.cells()])} |", flush=True)
            missed += found.gap(found.default) > found.allowed
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
