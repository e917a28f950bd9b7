"""The side of ``Beside`` that computes: runs in a child process (``workers``)."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from edgetune.learn.learner import Learner
from edgetune.learn.memory import keep_memory
from edgetune.learn.program import Program
from edgetune.learn.recipe import Recipe


class Simulated(NamedTuple):
    """A step as numpy does it: what a device says of it, the state that it leaves, and
    `Learner.spent`."""

    prediction: int
    measure: int
    draws: int
    digest: int
    state: bytes
    spent: list[tuple[int, int]]


def simulated(learner: Learner, sample: np.ndarray, target: Any) -> Simulated:
    """The next step of ``learner``."""
    ours = learner.train(sample, target)
    return Simulated(
        ours.prediction, ours.measure, min(ours.draws, 65535), learner.digest(), learner.state(),
        learner.spent,
    )


class _Present:
    """The run that is simulated."""

    learner: Learner

    def start(self, program: Program, recipe: Recipe, state: bytes) -> int:
        keep_memory()
        self.learner = Learner(program, recipe)
        return self.take_over(state)

    def take_over(self, state: bytes) -> int:
        self.learner.load_state(state)
        return self.learner.digest()

    def step(self, sample: np.ndarray, target: Any) -> Simulated:
        return simulated(self.learner, sample, target)


_present = _Present()


def answer(name: bytes, packed: bytes) -> bytes:
    """Of one of the methods above, by its arguments; both pickled."""
    ask: Callable[..., Any] = getattr(_present, name.decode())
    return pickle.dumps(ask(*pickle.loads(packed)))
