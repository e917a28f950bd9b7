"""The log of a run, metrics.jsonl, read as it grows: running means, and each layer's draws."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path

from edgetune.learn.losses import CLASS, LABELS
from edgetune.session.reporter import WINDOW
from edgetune.session.step_loss import step_loss

MOST_POINTS = 400  # of a curve

Points = list[tuple[float, float]]


class RunLog:
    """What the log at ``path`` tells so far.

    ``accuracy``, ``loss``: means over the last `WINDOW` steps, at steps that lie evenly: every
    ``every`` steps, which doubles whenever there are twice as many points as are drawn, and at the
    last one.  ``draws``, ``held``: sums for each trained layer, [] where no simulation told them.

    Args:
        target: kind of the targets, which says what a step's measure means.
    """

    def __init__(self, path: Path, target: str):
        self._path, self._target, self._read = path, target, 0
        self.steps, self.every = 0, 1
        self.draws: list[int] = []
        self.held: list[int] = []
        self._right: deque[bool] = deque(maxlen=WINDOW)
        self._losses: deque[float] = deque(maxlen=WINDOW)
        self._points: list[tuple[int, float | None, float]] = []
        self._last: tuple[int, float | None, float] | None = None

    def update(self) -> None:
        """Reads what is new; a line that is still being written waits, a damaged one is left."""
        try:
            with open(self._path, "rb") as file:
                file.seek(self._read)
                for line in file:
                    if not line.endswith(b"\n"):
                        return
                    self._read += len(line)
                    self._take(line)
        except OSError:
            return

    @property
    def accuracy(self) -> Points:
        return [(step, share) for step, share, _ in self._all if share is not None]

    @property
    def loss(self) -> Points:
        return [(step, loss) for step, _, loss in self._all]

    @property
    def loss_name(self) -> str:
        """What the curve of the loss shows."""
        return {
            CLASS: "cross-entropy in nats", LABELS: "1 - probability of the right answers",
        }.get(self._target, "mean error in output steps")

    @property
    def _all(self) -> list[tuple[int, float | None, float]]:
        last = [self._last] if self._last and self._last not in self._points[-1:] else []
        return self._points + last

    def _take(self, line: bytes) -> None:
        try:
            found = json.loads(line)
            loss = step_loss(self._target, found["measure"])
            right = found["prediction"] == found["label"] if "label" in found else None
        except (ValueError, KeyError, TypeError):
            return
        self.steps += 1
        self._losses.append(loss)
        if right is not None:
            self._right.append(right)
        self.draws = _added(self.draws, found.get("layer_draws", []))
        self.held = _added(self.held, found.get("layer_held", []))
        share = sum(self._right) / len(self._right) if self._right else None
        self._last = (self.steps, share, sum(self._losses) / len(self._losses))
        if self.steps % self.every == 0:
            self._points.append(self._last)
        if len(self._points) >= 2 * MOST_POINTS:
            self._points, self.every = self._points[1::2], 2 * self.every


def _added(sums: list[int], more: list[int]) -> list[int]:
    return [a + b for a, b in zip(sums, more)] if sums and more else list(sums or more)
