"""The choice of a rate: by cross-validation within the tuning set, alike for both sides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from shipped_data import Task

from edgetune.measures.measure import Measure

Choice = TypeVar("Choice")
FOLDS = 5
SEED = 1000  # apart from those that are reported


def choose(
    task: Task, choices: Sequence[Choice], tuned: Callable[[Task, Choice, int], Measure]
) -> Choice:
    """The best of ``choices``, by the mean AUC or RMSE over the folds.

    ``tuned``: what a task is worth after tuning by a choice with a seed.
    """
    scores = [
        held_out_score(task, lambda part, seed, by=choice: tuned(part, by, seed))
        for choice in choices
    ]
    return choices[int(np.nanargmax(scores))]


def held_out_score(task: Task, tuned: Callable[[Task, int], Measure]) -> float:
    """The mean over the folds: of AUCs, or of RMSEs less than nothing; NaN where it is unknown.

    ``tuned``: what a task is worth after tuning with a seed.
    """
    return np.mean([_score(tuned(part, SEED + k)) for k, part in enumerate(folds(task))])


def folds(task: Task) -> list[Task]:
    """``task`` without its test set: each fifth of the tuning set takes its place once.

    Without labels it holds no anomalies.
    """
    drawn = np.array_split(np.random.default_rng(SEED).permutation(len(task.tune_x)), FOLDS)
    return [
        task.of(np.concatenate(drawn[:k] + drawn[k + 1 :]), held) for k, held in enumerate(drawn)
    ]


def _score(found: Measure) -> float:
    """An AUC, or an RMSE less than nothing: the higher the better; NaN where it is unknown."""
    if found.value is None:
        return np.nan
    return found.value if found.higher_is_better else -found.others.get("RMSE", found.value)
