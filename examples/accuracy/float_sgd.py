"""The yardstick for on-device training: float32 SGD on the same steps, from the same weights.

    python examples/accuracy/float_sgd.py --task digits

Needs numpy only.  Protocol: batch 1, at most 1,000 tuning samples, two passes, each in a random
order of its own; the learning rate falls linearly to zero.  The rate is chosen from the grid
1e-5, 3e-5, ... 0.3 on a fifth of the tuning set held out for that (mean of two seeds); training
then starts afresh on the whole tuning set.  The test set is looked at twice: before and after.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from float_net import Network
from tasks import SHARED, SOURCES, STEPS_TUNED, Task, load_task

PASSES = 2
RATES = [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3]
SELECTION_SEEDS = (1000, 1001)  # apart from the seeds that are reported


def real(x: np.ndarray, task: Task) -> np.ndarray:
    """int8 inputs as the float32 values that they stand for."""
    quantization = task.graph.input.quantization
    scale, zero_point = quantization.scale[0], quantization.zero_point[0]
    return ((x.astype(np.float64) - zero_point) * scale).astype(np.float32)


def fresh(task: Task) -> Network:
    network = Network(task.graph)
    if task.head_only:
        network.reset_head()
    return network


def tune(task: Task, x: np.ndarray, y: np.ndarray, rate: float, generator) -> Network:
    """A fresh network after two annealed passes over ``x`` (n, ...) float32, ``y`` (n,)."""
    network = fresh(task)
    order = np.concatenate([generator.permutation(len(x)) for _ in range(PASSES)])
    for t, i in enumerate(order):
        network.step(x[i : i + 1], y[i], rate * (1 - t / len(order)))
    return network


def choose_rate(task: Task) -> float:
    """The grid's best rate on a held-out fifth of the tuning samples."""
    scores = np.zeros(len(RATES))
    for seed in SELECTION_SEEDS:
        drawn = np.random.default_rng(seed).permutation(len(task.tune_y))[:STEPS_TUNED]
        held, kept = np.split(drawn, [len(drawn) // 5])
        x, y = real(task.tune_x, task), task.tune_y
        for k, rate in enumerate(RATES):
            with np.errstate(all="ignore"):  # too large a rate may diverge: it just scores badly
                network = tune(task, x[kept], y[kept], rate, np.random.default_rng(seed))
                scores[k] += network.accuracy(x[held], y[held])
    return RATES[int(scores.argmax())]


def run(task: Task, rate: float, seed: int) -> float:
    """Test accuracy, 0..1, after tuning with ``seed``."""
    generator = np.random.default_rng(seed)
    drawn = generator.permutation(len(task.tune_y))[:STEPS_TUNED]
    network = tune(task, real(task.tune_x[drawn], task), task.tune_y[drawn], rate, generator)
    return network.accuracy(real(task.test_x, task), task.test_y)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=list(SOURCES), default="digits")
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of the other tasks")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rate", type=float, help="skips the choice of the learning rate")
    arguments = parser.parse_args()

    task = load_task(arguments.task, arguments.data)
    before = fresh(task).accuracy(real(task.test_x, task), task.test_y)
    rate = arguments.rate or choose_rate(task)
    after = [run(task, rate, seed) for seed in range(arguments.seeds)]
    each = " ".join(f"{100 * a:5.1f}" for a in after)
    deviation = np.std(after, ddof=1) if len(after) > 1 else 0.0
    print("| task | before | after, each seed | mean +- std | learning rate |")
    print("|---|---|---|---|---|")
    summary = f"{100 * np.mean(after):.1f} +- {100 * deviation:.1f}"
    print(f"| {task.name} | {100 * before:.1f} | {each} | {summary} | {rate:g} |")


if __name__ == "__main__":
    main()
