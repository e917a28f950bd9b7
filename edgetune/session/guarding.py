"""The guard of a run on a device: which one, and what it asks of the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from edgetune.data import Dataset
from edgetune.dataclass import dataclass
from edgetune.errors import LinkError, UsageError
from edgetune.guard import (
    NONE,
    RUNNING,
    Cost,
    Guard,
    HeldOutGuard,
    NoGuard,
    RunningGuard,
    SampleLosses,
    Samples,
    held_out_rows,
    is_share,
    share_of,
)
from edgetune.guard.choice import LEAST_HELD, MOST_HELD
from edgetune.learn.state import LEARNER
from edgetune.link.client import Client
from edgetune.link.messages import WORD
from edgetune.plan.cost import estimate
from edgetune.plan.plan import Plan
from edgetune.session.beside import Beside
from edgetune.session.journal import Journal
from edgetune.session.simulation import Simulation

T = TypeVar("T")


@dataclass(frozen=True)
class HeldOut:
    """Samples to judge by, never trained on: as `Dataset.test_x` and ``test_y`` are."""

    x: np.ndarray
    y: np.ndarray


class DeviceDesk:
    """A device, and the simulation beside it where there is one.

    Before anything is asked of the device the host reads its state.  A conversation that breaks
    meanwhile is taken up again once, from that state: nothing is lost.

    Args:
        journal: of what the device answers.
    """

    def __init__(
        self, client: Client, simulation: Beside | Simulation | None, losses: SampleLosses,
        journal: Journal | None = None,
    ):
        self._client, self._simulation, self._losses = client, simulation, losses
        self._journal = journal or Journal([])
        self._passes = self._bytes = 0
        self._held: bytes | None = None
        self.learnt: bytes | None = None  # the last state read that came of learning

    @property
    def cost(self) -> Cost:
        return Cost(self._passes, self._bytes)

    def learning(self) -> None:
        """The device is about to learn: what was read of its state will be old."""
        self._held = None

    def state(self) -> bytes:
        if self._held is None:
            self._held = self.learnt = self._journal.told(self._client.read_state)
            self._bytes += len(self._held)
        return self._held

    def restore(self, state: bytes) -> None:
        head = LEARNER.itemsize
        self._held = self.state()[:head] + state[head:]
        digest = self._journal.told(lambda: WORD.pack(self._again(self._write)))
        self._bytes += len(state)
        if self._simulation and self._journal.live:
            self._simulation.take_over(self._held, *WORD.unpack(digest))

    def losses(self, samples: Samples) -> np.ndarray:
        if not len(samples):
            return np.zeros(0)
        self.state()
        told = self._journal.told(lambda: self._again(lambda: self._forward(samples)).tobytes())
        info = self._client.info
        self._passes += len(samples)
        self._bytes += len(samples) * (info.input_bytes + info.output_bytes if info else 0)
        return np.frombuffer(told).copy()

    def _write(self) -> int:
        return self._client.write_state(self.state())

    def _forward(self, samples: Samples) -> np.ndarray:
        results = self._client.infer_many(x.tobytes() for x, _ in samples)
        losses = []
        for (x, target), result in zip(samples, results):
            output = np.frombuffer(result.output, np.int8)
            losses.append(self._losses.of_output(output, np.asarray(x), target))
        return np.array(losses, np.float64)

    def _again(self, ask: Callable[[], T]) -> T:
        """The answer, where need be of a second conversation."""
        try:
            return ask()
        except LinkError:
            self._client.hello()
            self._write()
            return ask()


@dataclass(frozen=True)
class Guarding:
    """``kind`` of guard and what it judges by; ``data`` without the samples that are held out;
    ``note``: why it is another guard than was asked for, else ""."""

    kind: str
    data: Dataset
    held: Samples | None = None
    note: str = ""

    def samples(self, order: np.ndarray) -> Samples:
        """Of a run in this ``order``, to look at its weights by."""
        return self.held if self.held is not None else _samples(self.data, order)

    def guard(self, desk: DeviceDesk, losses: SampleLosses, order: np.ndarray, plan: Plan) -> Guard:
        """Of a run that learns the tuning samples of ``data`` in this ``order``."""
        if self.kind == NONE or not plan.trained:
            return NoGuard(desk, losses, [len(order)])
        if self.held is None:
            guard: Guard = RunningGuard(desk, losses, _samples(self.data, order))
        else:
            cost = estimate(plan)
            share = cost.forward_instructions / cost.step_instructions
            guard = HeldOutGuard(desk, losses, self.held, len(order), share)
        guard.notes += [self.note] if self.note else []
        return guard


def guarding(
    guard: str | float, data: Dataset, losses: SampleLosses, seed: int, held: HeldOut | None
) -> Guarding:
    """The guard that is meant.

    Args:
        guard: "running", "none", a share of the tuning samples, or a file, which is ``held``.
        seed: of what is held out.

    Raises:
        UsageError: a share that is none, or a file that nobody read.
    """
    if held is not None:
        count = len(held.x)
        rows = np.random.default_rng(seed).permutation(count)[:MOST_HELD]
        return _judging(data, Samples(held.x, held.y, np.sort(rows)), losses, data)
    if guard in (RUNNING, NONE):
        return Guarding(str(guard), data)
    if not is_share(guard):
        raise UsageError(
            f"The guard's samples in {guard} were not read.",
            "A file is read by a Job, which knows the data's preprocessing.",
            "Use Job.tune, or give the samples: tune(..., held_out=HeldOut(x, y)).",
        )
    parts = held_out_rows(data.tune_y, losses.kind, share_of(guard), seed)
    if parts is None:
        return _too_few(data, len(data.tune_y))
    tuned, held_rows = parts
    rest = replace(data, tune_x=data.tune_x[tuned], tune_y=data.tune_y[tuned])
    return _judging(rest, Samples(data.tune_x, data.tune_y, held_rows), losses, data)


def _judging(rest: Dataset, held: Samples, losses: SampleLosses, whole: Dataset) -> Guarding:
    """By ``held`` samples, if they can tell anything."""
    if len(held) < LEAST_HELD:
        return _too_few(whole, len(held))
    if losses.one_sided(held):
        return Guarding(RUNNING, whole, note=(
            f"All {len(held)} samples to judge by are of class {held.targets[0]}, which tells "
            "nothing of the others: the running error guards instead."
        ))
    return Guarding("held-out", rest, held)


def _too_few(data: Dataset, count: int) -> Guarding:
    return Guarding(RUNNING, data, note=(
        f"{count} samples are too few to hold some out (at least {LEAST_HELD}): the running error "
        "guards instead."
    ))


def _samples(data: Dataset, rows: np.ndarray) -> Samples:
    return Samples(data.tune_x, data.tune_y, rows)
