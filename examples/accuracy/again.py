"""Further runs: what learning costs a network that is good already.

    python examples/accuracy/again.py [--task NAME] [--rule RULE] [--unshifted] [--held-out]

A first run, annealed, tunes the pretrained weights; then come a second, a third and a fourth, each
from the weights that the one before it ended with, without an end and annealed.  Columns: accuracy
at a run's start, and what it is above (+) or below (-) that after so many steps: the mean over the
seeds, in brackets the worst of them.  ``--unshifted``: one run from the pretrained weights, on
samples of the kind that they were trained on.
"""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
from compiled import Compiled
from runs import Setting, end, header, learn, line, mapping, options, order, tested
from tasks import Task

TASKS = "har", "mnist", "kws", "digits"
AT = 50, 100, 300, 1000
FURTHER = "second", "third", "fourth"
ENDS = {True: "endless", False: "annealed"}


def run(
    engine: Compiled, task: Task, seed: int, endless: bool, weights: bytes | None, at: list[int]
) -> list[float]:
    """Accuracy, %, before a run from ``weights`` and after each number of steps ``at``; the engine
    is left with what they have become."""
    rows = order(task, seed, at[-1])
    engine.start(seed, 0 if endless else len(rows), weights)
    found = [tested(engine, task)]
    for first, last in pairwise([0, *at]):
        engine.train(task.tune_x, task.tune_y, rows[first:last])
        found.append(tested(engine, task))
    return found


def further(setting: Setting, seed: int, at: list[int]) -> np.ndarray:
    """Accuracies [ends, runs, 1 + len(at)], %, of the runs after the first."""
    engine, task = setting.engine(), setting.loaded(seed)
    learn(engine, task, order(task, seed, setting.steps), seed, endless=False)
    tuned, found = engine.weights(), []
    for endless in ENDS:
        weights = tuned
        for number in range(len(FURTHER)):
            found.append(run(engine, task, seed + 100 * (number + 1), endless, weights, at))
            weights = engine.weights()
    return np.reshape(found, (len(ENDS), len(FURTHER), -1))


def pretrained(setting: Setting, seed: int, at: list[int]) -> np.ndarray:
    """Likewise of one run from the pretrained weights."""
    engine, task = setting.engine(), setting.loaded(seed)
    return np.array([[run(engine, task, seed, endless, None, at)] for endless in ENDS])


def lines(name: str, runs: tuple[str, ...], found: np.ndarray) -> list[str]:
    """Of the table, from accuracies [seeds, ends, runs, 1 + len(at)]."""
    start, change = found[..., 0], found[..., 1:] - found[..., :1]
    mean, worst = change.mean(axis=0), change.min(axis=0)
    return [
        line(name, runs[k], ENDS[end], f"{start[:, i, k].mean():.1f}",
             *(f"{m:+.1f} ({w:+.1f})" for m, w in zip(mean[i, k], worst[i, k])))
        for (i, end), k in product(enumerate(ENDS), range(len(runs)))
    ]


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, TASKS, TASKS)
    parser.add_argument("--unshifted", action="store_true")
    parser.add_argument("--held-out", action="store_true", help="a third of the tuning set tests")
    parser.add_argument("--steps", type=int, help="of the first run; default: two passes")
    parser.add_argument("--at", type=int, nargs="+", default=AT, help="steps; default: %(default)s")
    given = parser.parse_args(arguments)
    given.at = sorted(given.at)
    what, runs = (pretrained, ("first",)) if given.unshifted else (further, FURTHER)
    tasks = [f"{t}-unshifted" if given.unshifted else t for t in given.task or TASKS]
    settings = [
        Setting(name, given.rule, 1.0, given.steps, False, given.held_out, given.data)
        for name in tasks for _ in range(given.seeds)
    ]
    print(header("task", "run", "steps", "start", *given.at), flush=True)
    with mapping(given.jobs) as each:
        seeds = list(range(given.seeds)) * len(tasks)
        found = each(what, settings, seeds, [given.at] * len(seeds))
        for name in tasks:
            every = np.array([next(found) for _ in range(given.seeds)])
            print(*lines(name, runs, every), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    end(main)
