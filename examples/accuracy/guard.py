"""What the guard of a run holds: accuracy after harmful streams, with and without it.

    python examples/accuracy/guard.py [--task NAME] [--harm HARM] [--steps N] [--endless]

Runs begin with the pretrained weights and with tuned ones, and learn from streams that are poisoned
in one way or another.  Each line has the accuracy that the run began with, and after it without a
guard, with the running error, with a tenth of the stream held out, and with a fifth of the clean
tuning set for trusted samples: of each the worst of all seeds, behind it in brackets the first
letter of the weights kept (last, best, start).  The engine runs as a process of this computer.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from runs import header, line
from tasks import NAMES, Task, load_task, wrong_labels

from edgetune.boards import load_board
from edgetune.data import Dataset
from edgetune.data.preprocessing import Preprocessing
from edgetune.guard import NONE, RUNNING
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan
from edgetune.session.firmware import Firmware, build_firmware
from edgetune.session.guarding import HeldOut
from edgetune.session.order import sample_order
from edgetune.session.run_folder import RunFolder
from edgetune.session.tuning import TuneResult, TuneSettings, tune

BOARD = "stm32f4-discovery"
STARTS = "pretrained", "tuned"
TRUSTED = "trusted"
GUARDS = NONE, RUNNING, 0.1, TRUSTED
FROM = 500  # the step from which on labels are shuffled


def wrong(share: float):
    """A share of the labels is any other class."""

    def harm(x, y, classes, random):
        return x, wrong_labels(y, share, classes, random)

    return harm


def shuffled(first: int):
    def harm(x, y, classes, random):
        return x, np.append(y[:first], random.permutation(y[first:]))

    return harm


def one_class(x, y, classes, random):
    chosen = random.choice(np.flatnonzero(y == y[0]), len(y))
    return x[chosen], y[chosen]


def stuck(x, y, classes, random):
    """A sensor that no longer moves, one label."""
    return np.repeat(x[:1], len(x), axis=0), np.repeat(y[:1], len(y))


def stuck_any_label(x, y, classes, random):
    return np.repeat(x[:1], len(x), axis=0), random.integers(0, classes, len(y))


HARMS = {
    "none": wrong(0), "10 % wrong labels": wrong(0.1), "40 % wrong labels": wrong(0.4),
    "one class only": one_class, "constant input": stuck,
    "constant input, random labels": stuck_any_label,
    f"labels shuffled from step {FROM}": shuffled(FROM),
}


def stream(task: Task, harm: str, steps: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The samples and labels of a run, step by step, from what `Task.drawn` keeps."""
    random, kept = np.random.default_rng(seed), task.drawn(seed)[1]
    passes = -(-steps // len(kept))
    rows = np.concatenate([random.permutation(kept) for _ in range(passes)])[:steps]
    classes = task.graph.output.size
    return HARMS[harm](task.tune_x[rows], task.tune_y[rows], classes, random)


def learn(
    task: Task, firmware: Firmware, x, y, seed: int, guard, folder: Path, endless: bool = False
) -> TuneResult:
    """Learn ``x``, ``y`` in this order."""
    at = np.empty(len(x), int)
    at[sample_order(len(x), None, 1, seed)] = np.arange(len(x))
    data = Dataset(x[at], y[at], task.test_x, task.test_y, Preprocessing(quantized=True))
    held = None
    if guard == TRUSTED:
        rows = task.drawn(seed)[0]
        held = HeldOut(task.tune_x[rows], task.tune_y[rows])
    settings = TuneSettings(seed=seed, passes=1, verify=False, guard=guard, endless=endless)
    with RunFolder(folder) as out:
        return tune(firmware, "host", data, settings, out, held_out=held)


@lru_cache
def begun(name: str, start: str, seed: int, steps: int) -> tuple[Task, Firmware]:
    """The task with the weights that its runs begin with, tuned ones by so many steps, and firmware
    of them."""
    folder, task = Path(tempfile.mkdtemp(prefix="guard-")), load_task(name)
    if start == "tuned":
        firmware = build(task, folder / "first")
        learn(task, firmware, *stream(task, "none", steps, seed), seed, NONE, folder)
        task = replace(task, graph=read_tflite(folder / "tuned.tflite"))
    return task, build(task, folder / "firmware")


def build(task: Task, folder: Path, recipe: Recipe = Recipe()) -> Firmware:
    plan = make_plan(task.graph, recipe, load_board(BOARD))
    return build_firmware(plan, folder, task.name, native=True)


def row(
    name: str, start: str, seed: int, steps: int, harm: str, tuned: int, endless: bool
) -> list[tuple[float, float, str]]:
    """Accuracy before and after, in per cent, and the weights kept: with each guard."""
    task, firmware = begun(name, start, seed, tuned)
    x, y = stream(task, harm, steps, seed + 100)
    found = []
    for guard in GUARDS:
        with tempfile.TemporaryDirectory() as folder:
            result = learn(task, firmware, x, y, seed, guard, Path(folder), endless)
        found.append((100 * result.accuracy_before, 100 * result.accuracy_after, result.guard.kept))
    return found


def worst(runs: list) -> list[str]:
    """Of all seeds' rows: the accuracy before, and with each guard the one after."""
    before = min(run[0][0] for run in runs)
    ends = [min((run[i] for run in runs), key=lambda one: one[1]) for i in range(len(GUARDS))]
    return [f"{before:.1f}", *(f"{after:.1f} ({kept[0]})" for _, after, kept in ends)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=NAMES, action="append", help="default: digits, har")
    parser.add_argument("--steps", type=int, default=2000, help="of a run; default: 2000")
    parser.add_argument("--tuned", type=int, default=2000, metavar="STEPS",
                        help="of the run that made the tuned weights; default: 2000")
    parser.add_argument("--endless", action="store_true", help="steps do not anneal")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--harm", choices=HARMS, action="append", help="default: all")
    parser.add_argument("--start", choices=STARTS, action="append", help="default: both")
    chosen = parser.parse_args()
    guards = "no guard", "running error", "a tenth held out", "trusted"
    print(header("task, from", "harm", "before", *guards), flush=True)
    with ProcessPoolExecutor(chosen.jobs) as pool:
        futures = {
            (name, start, harm): [
                pool.submit(
                    row, name, start, seed, chosen.steps, harm, chosen.tuned, chosen.endless
                )
                for seed in range(chosen.seeds)
            ]
            for name in chosen.task or ("digits", "har") for start in chosen.start or STARTS
            for harm in chosen.harm or HARMS
        }
        for (name, start, harm), runs in futures.items():
            cells = worst([future.result() for future in runs])
            print(line(f"{name}, {start}", harm, *cells), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
