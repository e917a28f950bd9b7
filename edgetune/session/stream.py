"""The samples of a run on their way to a device, and what comes back of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from edgetune.data import Dataset
from edgetune.guard import SampleLosses
from edgetune.learn.losses import CLASS
from edgetune.link.client import Client
from edgetune.link.messages import TrainResult
from edgetune.session.beside import Beside
from edgetune.session.journal import Journal
from edgetune.session.keeper import Keeper
from edgetune.session.reporter import WINDOW, LearntSample, Reporter
from edgetune.session.run_folder import RunFolder
from edgetune.session.step_loss import step_loss

CHUNK = 200  # steps between which a device that no simulation follows can be asked for its state


class Stream:
    """The device learns the samples of ``order``, and so does the simulation; every step is
    kept in ``folder``, and the run by ``keeper``, whose losses are those of steps that an earlier
    process did.  ``steps`` were done."""

    def __init__(
        self, client: Client, data: Dataset, order: np.ndarray, losses: SampleLosses,
        simulation: Beside | None, folder: RunFolder, reporter: Reporter, keeper: Keeper,
        journal: Journal,
    ):
        self._client, self._data, self._order, self._losses = client, data, order, losses
        self._simulation, self.folder, self._reporter = simulation, folder, reporter
        self.keeper, self._journal = keeper, journal
        self._right: list[bool] = []
        self.steps = 0

    def learn(self, first: int, last: int) -> np.ndarray:
        """Steps ``first`` to ``last``: the losses (n,) of their samples before each update."""
        known = self.keeper.losses
        self.steps = min(last, max(first, len(known)))
        if self.steps < last:
            self._journal.go_live()
        size = last - first if self._simulation else CHUNK
        for begin in range(self.steps, last, size):
            self._learn(begin, min(begin + size, last))
        return np.array(known[first:last])

    def _learn(self, first: int, last: int) -> None:
        rows = self._order[first:last]
        for n, result in enumerate(self._client.train_many(self._samples(rows))):
            self.keeper.losses.append(self._done(int(rows[n]), result))
            if self._simulation:
                self.keeper.mark(self._simulation.state)
                self._save_if_due()
        if self.keeper.due() and not self._simulation:
            self.keeper.mark(self._client.read_state())
            self._save_if_due()

    def _samples(self, rows: np.ndarray) -> Iterator[tuple[bytes, bytes]]:
        """For the device; the simulation begins with each as it is sent."""
        for i in rows:
            sample, target = self._data.tune_x[i], self._data.tune_y[i]
            encoded = self._losses.loss.encode(target)
            if self._simulation:
                self._simulation.begin(sample, target)
            yield sample.tobytes(), encoded

    def _save_if_due(self) -> None:
        if self.keeper.due():
            self.keeper.save()

    def _done(self, index: int, result: TrainResult) -> float:
        target, share, label = self._data.tune_y[index], None, {}
        if self._losses.kind == CLASS:
            self._right.append(result.prediction == target)
            share, label = float(np.mean(self._right[-WINDOW:])), {"label": int(target)}
        spent: dict[str, list[int]] = {}
        try:
            if self._simulation:
                self._simulation.step(result)
                spent = self._simulation.spent
        finally:
            self.folder.metric(step=self.steps, sample=index, **label, **asdict(result), **spent)
        self.steps += 1
        self._reporter.learnt(self._learnt(target, result))
        self._reporter.progress("learning", self.steps, len(self._order), share)
        return self._losses.of_step(result, target)

    def _learnt(self, target: Any, result: TrainResult) -> LearntSample:
        kind, names = self._losses.kind, self._data.classes
        found = (int(target), result.prediction) if kind == CLASS else ()
        words = [names[one] if one < len(names) else str(one) for one in found] or ["", ""]
        return LearntSample(*words, step_loss(kind, result.measure))
