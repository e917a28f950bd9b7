"""The simulation in a process of its own, which computes a step while the device does.

Device and simulation are handed each sample at the same time; their results are compared when
both are there, so the first step that differs is the one that is named.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from edgetune.errors import ToolchainError
from edgetune.learn.state import LEARNER
from edgetune.link.messages import TrainResult
from edgetune.plan.plan import Plan
from edgetune.session.simulation import compare_step, compare_written
from edgetune.session.simulation_child import Simulated
from edgetune.workers import Worker, WorkerDied

CHILD = "edgetune.session.simulation_child"
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL", "VECLIB")}
_idle: list[Worker] = []  # whose run is over


class Beside:
    """Begins with ``state``; to be entered by a `with` statement, inside which its methods raise
    ToolchainError where the process ended.

    ``state`` is that after the last step that was compared, or that was taken over; ``spent``: of
    that step, a number a trained layer: the draws, and the weights and biases that they left at
    their bound.
    """

    def __init__(self, plan: Plan, state: bytes):
        self._plan, self.state = plan, state
        self._digest: int | None = None  # until it is first asked for
        self.spent: dict[str, list[int]] = {}

    def __enter__(self) -> Beside:
        self._worker = _worker()
        try:
            self._ask("start", self._plan.program, self._plan.recipe, self.state)
        except BaseException:
            self._worker.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._worker.alive and not self._worker.owed:
            _idle.append(self._worker)
        else:
            self._worker.end()

    @property
    def steps(self) -> int:
        """As ``state`` counts them."""
        return int(np.frombuffer(self.state, LEARNER, 1)[0]["step"])

    @property
    def digest(self) -> int:
        """Of ``state``."""
        self._started()
        return self._digest

    def begin(self, sample: np.ndarray, target: Any) -> None:
        """Compute the step of a sample that is on its way to the device."""
        self._ask("step", sample, target)

    def step(self, result: TrainResult) -> None:
        """Compare the first step that was begun and not yet compared.

        Raises:
            DivergenceError: the device's prediction, draws, probability or digest is another.
        """
        ours: Simulated = self._answer()
        compare_step(self.steps + 1, result, ours)
        self.state, self._digest = ours.state, ours.digest
        draws, held = zip(*ours.spent) if ours.spent else ((), ())
        self.spent = {"layer_draws": list(draws), "layer_held": list(held)}

    def take_over(self, state: bytes, digest: int) -> None:
        """A state that was written to the device, which then had this ``digest``.

        Raises:
            DivergenceError: the device holds another.
        """
        self._ask("take_over", state)
        self.state, self._digest = state, self._answer()
        compare_written(self.steps, digest, self._digest)

    def _started(self) -> None:
        """Fetch the answer to the first request, if that was not done: nothing waited for it."""
        if self._digest is None:
            self._digest = self._fetch()

    def _ask(self, name: str, *arguments: Any) -> None:
        with _named():
            self._worker.begin(name.encode(), pickle.dumps(arguments))

    def _answer(self) -> Any:
        self._started()
        return self._fetch()

    def _fetch(self) -> Any:
        with _named():
            return pickle.loads(self._worker.finish())


def _worker() -> Worker:
    """Of an earlier run, where there is one: a start takes a moment."""
    while _idle:
        worker = _idle.pop()
        if worker.alive:
            return worker
        worker.end()
    return Worker(CHILD, ONE_THREAD, replaced=False)


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except WorkerDied as error:
        raise ToolchainError(
            "The simulation that verifies the device broke off.",
            f"{str(error)[0].upper()}{str(error)[1:]}.",
            "Where memory is short, make room; --no-verify does without it.",
        ) from None
