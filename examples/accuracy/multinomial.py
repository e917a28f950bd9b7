"""Accuracy of the compiled engine on the adaptation tasks, with no setting per task.

    python examples/accuracy/multinomial.py [--task NAME] [--train LAYERS] [--emulated]
    python examples/accuracy/multinomial.py --task cifar --rule fixed --rates 0.48 0.96 1.92 3.84

Prints a table: accuracy before tuning, after it for each seed, mean and standard deviation.
``--rates`` takes the one that serves best on a fifth of the tuning set held out for that (mean of
two seeds), as ``float_sgd.py`` does; without it the default serves all.
The engine runs as a process of this computer.  ``--emulated`` runs seed 0 of each task on an
emulated STM32F4 Discovery as well, whose digest must be the same: some minutes a task.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from tasks import NAMES, SELECTION_SEEDS, load_task

from edgetune.boards import load_board
from edgetune.data import Dataset
from edgetune.data.preprocessing import Preprocessing
from edgetune.guard import NONE
from edgetune.learn.recipe import Recipe
from edgetune.learn.rules import RULES
from edgetune.plan.plan import make_plan
from edgetune.session.firmware import build_firmware
from edgetune.session.run_folder import RunFolder
from edgetune.session.tuning import TuneResult, TuneSettings, tune

BOARD = "stm32f4-discovery"
SEEDS = {"digits": 3, "har": 5, "mnist": 3, "kws": 3, "kws-head": 3}  # the others: 3


def run(
    name: str, device: str, seed: int, train: str = "all", rule: str = Recipe.rule,
    rate: float | None = None, held_out: bool = False, null_mass: float | None = None,
) -> TuneResult:
    """One run of task ``name`` on "host" or "qemu"; ``train``, ``rule``, ``rate`` and
    ``null_mass`` as `Recipe` has them.
    ``held_out``: tested on a part of its tuning set."""
    task = load_task(name)
    if held_out:
        task = task.held_out(seed)
    recipe = Recipe(layers=(train,), rule=rule, rate=rate, null_mass=null_mass)
    if task.head_only:
        recipe = replace(recipe, layers=("last",), reset=True)
    plan = make_plan(task.graph, recipe, load_board(BOARD))
    data = Dataset(
        task.tune_x, task.tune_y, task.test_x, task.test_y, Preprocessing(quantized=True)
    )
    settings = TuneSettings(seed=seed, samples=task.samples, verify=False, guard=NONE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        firmware = build_firmware(plan, path / "firmware", name, native=device == "host")
        out = RunFolder(path)
        try:
            return tune(firmware, device, data, settings, out)
        finally:
            out.close()


def choose_rate(
    name: str, train: str, rule: str, rates: list[float], pool: Executor,
    null_mass: float | None = None,
) -> float:
    """The rate that serves best on held-out samples, of all ``rates``."""
    runs = [
        [pool.submit(run, name, "host", seed, train, rule, rate, True, null_mass)
         for seed in SELECTION_SEEDS]
        for rate in rates
    ]
    scores = [sum(future.result().accuracy_after for future in one) for one in runs]
    return rates[int(np.argmax(scores))]


def row(name: str, results: list[TuneResult]) -> str:
    """A line of the table; accuracies in per cent."""
    after = np.array([100 * r.accuracy_after for r in results])
    seeds = " ".join(f"{value:.1f}" for value in after)
    before = 100 * results[0].accuracy_before
    digest = f"{results[0].digest:08x}"
    return (
        f"| {name} | {before:.1f} | {seeds} | {after.mean():.1f} +- {after.std():.1f} | {digest} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=NAMES, action="append",
                        help=f"default: {', '.join(SEEDS)}")
    parser.add_argument("--train", default="all", help="all, last or last:K; default: all")
    parser.add_argument("--rule", choices=RULES, default=Recipe.rule)
    parser.add_argument("--rate", type=float, help="instead of the default for all tasks")
    parser.add_argument("--rates", type=float, nargs="+", help="the best of these, for each task")
    parser.add_argument("--null-mass", type=float, help="of a multinomial as published")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--emulated", action="store_true", help="seed 0 on an emulated M4 too")
    arguments = parser.parse_args()
    names = arguments.task or list(SEEDS)
    wrong = 0
    print("| task | before | after, seeds 0, 1, ... | mean +- std | digest of seed 0 |\n"
          "|---|---|---|---|---|", flush=True)
    with ProcessPoolExecutor(arguments.jobs) as pool:
        emulated, host = {}, {}
        for name in names:
            rate = arguments.rate
            if arguments.rates:
                rate = choose_rate(name, arguments.train, arguments.rule, arguments.rates, pool,
                                   arguments.null_mass)
                print(f"{name}: rate {rate:g}, chosen on held-out samples", file=sys.stderr)
            how = arguments.train, arguments.rule, rate, False, arguments.null_mass
            host[name] = [
                pool.submit(run, name, "host", seed, *how) for seed in range(SEEDS.get(name, 3))
            ]
            if arguments.emulated:
                emulated[name] = pool.submit(run, name, "qemu", 0, *how)
        for name in names:
            print(row(name, [future.result() for future in host[name]]), flush=True)
        for name, future in emulated.items():
            here, there = host[name][0].result(), future.result()
            same = here.digest == there.digest
            wrong += not same
            print(
                f"{name}, seed 0 on an emulated M4: {100 * there.accuracy_after:.1f} %, digest "
                f"{there.digest:08x}, {'the same as' if same else 'NOT that'} on the PC",
                flush=True,
            )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
