"""Few samples, and samples in a bad order.

    python examples/accuracy/few.py [--task NAME] [--rule RULE] [--jobs N]

The first table: a few random samples, 20 passes over them, beside float32 SGD on the same ones with
its rate chosen as in ``float_sgd.py`` (on tuning samples that are held out).  The second: two
passes over the task's samples, shuffled and with each pass ordered by class.  Test accuracy in %,
mean and standard deviation over the seeds.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads it
os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")

import argparse
from collections.abc import Callable

import float_sgd
import numpy as np
from runs import PASSES, Setting, end, header, learn, line, mapping, options, order, summary

from edgetune.session.order import sample_order

TASKS = "digits", "har", "mnist", "kws"
COUNTS = 20, 100
REPEATED = 20  # passes over few samples


def few(setting: Setting, count: int, passes: int, seed: int) -> float:
    """Accuracy, %, after ``passes`` over so many samples."""
    task = setting.loaded(seed)
    rows = sample_order(len(task.tune_y), count, passes, seed)
    return learn(setting.engine(), task, rows, seed, endless=False)


def in_float(name: str, count: int, given: argparse.Namespace, each: Callable) -> str:
    """The same of float32 SGD, and its rate."""
    settings = float_sgd.Settings(name, given.data, normalised=given.normalised, samples=count,
                                  passes=given.passes)
    rate, seeds = given.rate or float_sgd.choose_rate(settings, each), given.seeds
    found = each(float_sgd.after, [settings] * seeds, [rate] * seeds, range(seeds))
    return f"{summary([100 * one for one in found])} (rate {rate:g})"


def by_class(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Each of the passes ordered by class."""
    passes = np.split(rows, PASSES)
    return np.concatenate([one[np.argsort(labels[one], kind="stable")] for one in passes])


def in_order(setting: Setting, seed: int) -> tuple[float, float]:
    """Accuracy, %, after a shuffled stream and after an ordered one."""
    task, engine = setting.loaded(seed), setting.engine()
    rows = order(task, seed)
    streams = rows, by_class(rows, task.tune_y)
    shuffled, ordered = (learn(engine, task, s, seed, setting.endless) for s in streams)
    return shuffled, ordered


def few_samples(settings: list[Setting], given: argparse.Namespace, each: Callable) -> None:
    print(header("task", "samples", "int8", "float32 SGD"), flush=True)
    for setting in settings:
        for count in given.counts:
            every = [given.passes] * given.seeds
            found = each(few, [setting] * given.seeds, [count] * given.seeds, every,
                         range(given.seeds))
            device, floats = summary(list(found)), in_float(setting.task, count, given, each)
            print(line(setting.task, count, device, floats), flush=True)


def orders(settings: list[Setting], given: argparse.Namespace, each: Callable) -> None:
    print(header("task", "shuffled", "ordered by class", "difference"), flush=True)
    for setting in settings:
        found = list(each(in_order, [setting] * given.seeds, range(given.seeds)))
        shuffled, ordered = np.transpose(found)
        change = f"{np.mean(ordered - shuffled):+.1f}"
        print(line(setting.task, summary(shuffled), summary(ordered), change), flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, TASKS, TASKS)
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="samples")
    parser.add_argument("--passes", type=int, default=REPEATED, help="default: %(default)s")
    parser.add_argument("--rate", type=float, help="of float32 SGD, instead of a choice")
    parser.add_argument("--normalised", action="store_true", help="inputs of float32 SGD")
    parser.add_argument("--endless", action="store_true", help="of the streams")
    given = parser.parse_args(arguments)
    settings = [
        Setting(name, given.rule, endless=given.endless, data=given.data)
        for name in given.task or TASKS
    ]
    with mapping(given.jobs) as each:
        few_samples(settings, given, each)
        print()
        orders(settings, given, each)
    return 0


if __name__ == "__main__":
    end(main)
