"""What every guard is, and what it needs of a device."""

from __future__ import annotations

from dataclasses import asdict, field
from typing import Protocol

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.guard.comparison import COLLAPSED, largely_above
from edgetune.guard.sample_losses import SampleLosses, Samples

MOST_FALLS = 3  # ways back before a run is ended
LAST, BEST, START = "last", "best", "start"


class Desk(Protocol):
    """The device and whatever runs beside it."""

    def state(self) -> bytes:
        """All that learning changes."""

    def restore(self, state: bytes) -> None:
        """Weights and rule's state of ``state``; step counter and generator stay as they are, so
        that a run goes on where it is, with other draws."""

    def losses(self, samples: Samples) -> np.ndarray:
        """Of each sample, float64 (n,), by forward passes with the present weights."""

    @property
    def cost(self) -> Cost:
        """Of all that was asked of it."""


@dataclass(frozen=True)
class Cost:
    """What a guard took: forward passes, and bytes on the link for samples, outputs and states;
    of the device's RAM nothing."""

    forward_passes: int = 0
    link_bytes: int = 0


@dataclass(frozen=True)
class Kept:
    """Weights that can be gone back to: the state after ``step`` steps and the losses that say
    what it is worth."""

    state: bytes
    step: int
    losses: np.ndarray


@dataclass(frozen=True)
class Fall:
    """Weights that were given up after ``step`` steps, for those of step ``back_to``."""

    step: int
    back_to: int
    found: str
    against: str


@dataclass(frozen=True)
class Outcome:
    """How a guarded run ended.

    ``kept``: "last", "best" or "start": which weights; ``step``: after how many steps they were
    found.  ``reason``: why, one sentence; ``advice``: what to do, where learning brought
    nothing, else "".  ``notes``: what the guard could not tell.  ``falls``: ways back meanwhile;
    ``stopped``: too many, so the run ended before its time.
    """

    kind: str
    kept: str = LAST
    step: int = 0
    reason: str = ""
    advice: str = ""
    notes: tuple[str, ...] = ()
    falls: tuple[Fall, ...] = ()
    stopped: bool = False
    cost: Cost = field(default_factory=Cost)

    def as_dict(self) -> dict:
        """For JSON."""
        return asdict(self)


class Guard:
    """Called by a run: `begin`, then `after` each of the ``spans`` of steps, then `end`.

    Args:
        desk: the device, in the state that the run begins with.
        losses: of single samples.
        bounds: steps after which `after` is called, ascending; the last is the run's length.
    """

    kind = "none"
    best: Kept

    def __init__(self, desk: Desk, losses: SampleLosses, bounds: list[int]):
        self.desk, self.sample_losses = desk, losses
        self.spans = list(zip([0, *bounds], bounds))
        self.notes: list[str] = []
        self.falls: list[Fall] = []
        self.given_up: list[bytes] = []  # the states of these falls
        self.stopped = False

    def begin(self) -> None:
        """Before the first step."""

    def after(self, step: int, losses: np.ndarray) -> bool:
        """``step`` steps are done; ``losses`` (n,) of those since the last call, before each
        update.  Whether to go on; weights may have been put back."""
        return True

    def end(self) -> Outcome:
        """After the last step: the device then holds the weights that the run ends with."""
        raise NotImplementedError

    @property
    def best_learnt(self) -> Kept | None:
        """The best weights, if learning brought any."""
        best = getattr(self, "best", None)
        return best if best and best.step else None

    def _collapsed(self, ours: np.ndarray, theirs: np.ndarray, z: float) -> bool:
        return z <= -COLLAPSED and largely_above(ours, theirs, self.sample_losses.shares)

    def _go_back(self, step: int, found: np.ndarray, against: np.ndarray) -> bool:
        """The best weights again.  Whether to go on with them."""
        words = self.sample_losses.words
        self.falls.append(Fall(step, self.best.step, words(found), words(against)))
        self.given_up.append(self.desk.state())
        self.desk.restore(self.best.state)
        self.stopped = len(self.falls) > MOST_FALLS
        return not self.stopped

    def _losses_with(self, state: bytes, samples: Samples) -> np.ndarray:
        """Of other weights than the present ones, which are there again afterwards."""
        present = self.desk.state()
        self.desk.restore(state)
        losses = self.desk.losses(samples)
        self.desk.restore(present)
        return losses

    def _outcome(self, step: int, done: int, reason: str) -> Outcome:
        """The weights of ``step`` are kept, of ``done`` steps."""
        kept = LAST if step == done else BEST if step else START
        return Outcome(
            self.kind, kept, step, reason, ADVICE if kept == START else "", tuple(self.notes),
            tuple(self.falls), self.stopped, self.desk.cost,
        )


ADVICE = (
    "Look at labels and sensor, or at the recipe; --guard FILE judges by samples that you "
    "trust, --no-guard keeps what was learnt."
)


class NoGuard(Guard):
    """The last weights, whatever they are."""

    def end(self) -> Outcome:
        return Outcome(self.kind, step=self.spans[-1][1])
