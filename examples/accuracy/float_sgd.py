"""The yardstick for on-device training: a float32 optimiser on the same steps and weights.

    python examples/accuracy/float_sgd.py --task digits
    python examples/accuracy/float_sgd.py --task cifar --optimizer adam --normalised --jobs 16

Needs numpy only (Pillow for the images of ``cifar``).  Protocol: batch 1, at most 1,000 tuning
samples (2,000 of ``cifar``), two passes, each in a random order of its own; the learning rate falls
linearly to zero.  The rate is chosen from a grid (SGD 1e-5, 3e-5, ... 0.3, Adam up to 1e-2) on a
fifth of the tuning set held out for that (mean of two seeds); training then starts afresh on the
whole tuning set.  The test set is looked at twice: before and after.

Every training is a job of its own on one core, with one and the same BLAS kernel wherever there
is AVX2: results depend neither on ``--jobs`` nor on the processor.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads it
os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
from float_net import Adam, Network, Sgd, absorb_normalisation
from tasks import NAMES, SELECTION_SEEDS, SHARED, Task, load_task, wrong_labels

PASSES = 2
RATES = {
    "sgd": [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3],
    "adam": [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2],
}
OPTIMIZERS = {"sgd": Sgd, "adam": Adam}


@dataclass(frozen=True)
class Settings:
    """What is trained and how.  ``layers``: "all" or "last"; ``samples``: random ones, instead of
    as many as the task has for a run; ``wrong``: the share of the steps whose label is any other
    class."""

    task: str
    folder: Path = SHARED
    optimizer: str = "sgd"
    layers: str = "all"
    normalised: bool = False
    samples: int | None = None
    passes: int = PASSES
    wrong: float = 0.0


load = lru_cache(maxsize=1)(load_task)  # once a process


def real(x: np.ndarray, task: Task) -> np.ndarray:
    """int8 inputs as the float32 values that they stand for."""
    quantization = task.graph.input.quantization
    scale, zero_point = quantization.scale[0], quantization.zero_point[0]
    return ((x.astype(np.float64) - zero_point) * scale).astype(np.float32)


class Run:
    """A task under some settings: fresh networks, and samples as they take them."""

    def __init__(self, settings: Settings):
        self.settings, self.task = settings, load(settings.task, settings.folder)
        self.mean, self.deviation = 0.0, 1.0
        if settings.normalised:
            x = real(self.task.tune_x, self.task)
            self.mean, self.deviation = float(x.mean()), float(x.std())

    def samples(self, x: np.ndarray) -> np.ndarray:
        """int8 samples as float32, normalised if that is asked for."""
        x = real(x, self.task)
        if self.settings.normalised:
            x = (x - np.float32(self.mean)) / np.float32(self.deviation)
        return x

    def fresh(self) -> Network:
        network = Network(self.task.graph, optimizer=OPTIMIZERS[self.settings.optimizer]())
        if self.settings.normalised:
            absorb_normalisation(network, self.mean, self.deviation)
        if self.task.head_only:
            network.reset_head()
        elif self.settings.layers == "last":
            network.train_only(network.trained[-1:])
        return network

    def tune(self, x: np.ndarray, y: np.ndarray, rate: float, generator) -> Network:
        """A fresh network after annealed passes over ``x`` (n, ...) float32, ``y`` (n,)."""
        network, passes = self.fresh(), range(self.settings.passes)
        order = np.concatenate([generator.permutation(len(x)) for _ in passes])
        labels = y[order]
        if self.settings.wrong:
            labels = wrong_labels(
                labels, self.settings.wrong, self.task.graph.output.size, generator
            )
        with np.errstate(all="ignore"):  # too large a rate may diverge: it just scores badly
            for t, i in enumerate(order):
                network.step(x[i : i + 1], labels[t], rate * (1 - t / len(order)))
        return network

    def tested(self, network: Network) -> float:
        """Test accuracy, 0..1."""
        return network.accuracy(self.samples(self.task.test_x), self.task.test_y)


def before(settings: Settings) -> float:
    """Test accuracy of the network as it comes, 0..1."""
    run = Run(settings)
    return run.tested(run.fresh())


def held_out_score(settings: Settings, rate: float, seed: int) -> float:
    """Accuracy, 0..1, on a held-out fifth of the tuning samples."""
    run = Run(settings)
    task = run.task
    held, kept = task.drawn(seed)
    x, y, kept = run.samples(task.tune_x), task.tune_y, kept[: settings.samples]
    network = run.tune(x[kept], y[kept], rate, np.random.default_rng(seed))
    with np.errstate(all="ignore"):
        return network.accuracy(x[held], y[held])


def after(settings: Settings, rate: float, seed: int) -> float:
    """Test accuracy, 0..1, after tuning with ``seed``."""
    run, generator = Run(settings), np.random.default_rng(seed)
    task = run.task
    drawn = generator.permutation(len(task.tune_y))[: settings.samples or task.samples]
    network = run.tune(run.samples(task.tune_x[drawn]), task.tune_y[drawn], rate, generator)
    return run.tested(network)


def choose_rate(settings: Settings, each: Callable) -> float:
    """The grid's best rate; ``each`` is ``map``, or a pool's."""
    rates = RATES[settings.optimizer]
    points = list(product(rates, SELECTION_SEEDS))
    scores = each(held_out_score, [settings] * len(points), *zip(*points, strict=True))
    scores = np.reshape(list(scores), (len(rates), -1)).sum(axis=1)
    return rates[int(scores.argmax())]


def row(settings: Settings, given_rate: float | None, seeds: int, each: Callable) -> str:
    """The line of the table, accuracies in per cent."""
    rate = given_rate or choose_rate(settings, each)
    results = list(each(after, [settings] * seeds, [rate] * seeds, range(seeds)))
    one_by_one = " ".join(f"{100 * a:5.1f}" for a in results)
    deviation = np.std(results, ddof=1) if seeds > 1 else 0.0
    summary = f"{100 * np.mean(results):.1f} +- {100 * deviation:.1f}"
    start = 100 * before(settings)
    return f"| {settings.task} | {start:.1f} | {one_by_one} | {summary} | {rate:g} |"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=NAMES, default="digits")
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of the other tasks")
    parser.add_argument("--optimizer", choices=list(OPTIMIZERS), default="sgd")
    parser.add_argument("--layers", choices=["all", "last"], default="all")
    parser.add_argument("--normalised", action="store_true", help="inputs of mean 0, deviation 1")
    parser.add_argument("--wrong", type=float, default=0.0, help="share of wrong labels")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rate", type=float, help="skips the choice of the learning rate")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at the same time")
    return parser.parse_args()


def main() -> None:
    given = parse()
    settings = Settings(given.task, given.data, given.optimizer, given.layers, given.normalised,
                        wrong=given.wrong)
    print("| task | before | after, each seed | mean +- std | learning rate |")
    print("|---|---|---|---|---|", flush=True)
    if given.jobs > 1:
        with ProcessPoolExecutor(given.jobs) as pool:
            print(row(settings, given.rate, given.seeds, pool.map))
    else:
        print(row(settings, given.rate, given.seeds, map))


if __name__ == "__main__":
    main()
