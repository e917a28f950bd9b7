"""Keeps what a run has learnt on the disk, so that whatever ends it costs no more than a moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from edgetune.errors import EdgetuneError
from edgetune.files import save_atomically
from edgetune.learn.kept import keep, state_id
from edgetune.plan.plan import Plan
from edgetune.session.checkpoint import Checkpoint, added
from edgetune.session.reporter import Reporter
from edgetune.session.run_folder import RunFolder

LEAST_SECONDS = 5.0  # between two savings
SHARE = 20  # a saving takes at most this part of the time


class Keeper:
    """The run as it was at the last moment that is known whole, and that on the disk.

    Args:
        start: the moment that the run begins or is carried on from.
        every: steps between two savings; None: by the time that they take.

    ``line`` is told by who has a connection: its `Client.traffic`.
    """

    def __init__(
        self, folder: RunFolder, plan: Plan, start: Checkpoint, every: int | None,
        reporter: Reporter,
    ):
        self._folder, self._reporter, self._every = folder, reporter, every
        self._identity = state_id(plan.program, plan.recipe)
        self._start, self._state, self.before = start, start.state, start.before
        self.losses, self.journal = start.losses.tolist(), list(start.journal)  # they only grow
        self._known = len(self.losses), len(self.journal)
        self._saved = start.steps
        self.line: Callable[[], Mapping[str, int]] = dict
        self._due = time.monotonic() + LEAST_SECONDS

    @property
    def traffic(self) -> dict[str, int]:
        """Of all connections of the run so far."""
        return added(self._start.traffic, self.line())

    @property
    def marked(self) -> Checkpoint:
        steps, told = self._known
        return replace(
            self._start, state=self._state, losses=np.array(self.losses[:steps]),
            journal=tuple(self.journal[:told]), before=self.before, traffic=self.traffic,
        )

    def mark(self, state: bytes) -> None:
        """The device has this ``state`` after all steps and answers so far; nothing is written."""
        self._state, self._known = state, (len(self.losses), len(self.journal))

    def due(self) -> bool:
        """Whether it is time to save."""
        if self._every is not None:
            return self._known[0] - self._saved >= self._every
        return time.monotonic() >= self._due

    def save(self) -> bool:
        """Write what is marked; on an error, as of a full disk, say so and let the run go on."""
        begun, done = time.monotonic(), False
        try:
            self._write(self.marked)
            done = True
        except EdgetuneError as error:
            self._reporter.note(f"Warning: the run is not saved: {error.message} {error.cause}")
        end = time.monotonic()
        self._saved = self._known[0]
        self._due = end + max(LEAST_SECONDS, SHARE * (end - begun))
        return done

    def _write(self, marked: Checkpoint) -> None:
        save_atomically(self._folder.checkpoint, marked.content(self._identity))
        if marked.steps:
            save_atomically(self._folder.state, keep(self._identity, marked.state))
