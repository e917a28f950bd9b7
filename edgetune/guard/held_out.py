"""The guard with samples that are never trained on."""

from __future__ import annotations

import math

import numpy as np

from edgetune.guard.base import Desk, Guard, Kept, Outcome
from edgetune.guard.comparison import BETTER, paired
from edgetune.guard.sample_losses import SampleLosses, Samples

COST = 10  # steps' instructions for one of the forward passes between them
LEAST_LOOKS = 4  # in a run, whatever they cost


class HeldOutGuard(Guard):
    """Forward passes over ``held`` samples every so many steps.  New weights are the best where
    they are surely better; weights far below the best are given up at once.  The run ends with
    its last weights where these are surely better than the first and not surely worse than the
    best, else with the best.

    Args:
        held: at least 20, of more than one class.
        steps: of the run.
        share: instructions of a forward pass, as a share of a step's.
    """

    kind = "held-out"

    def __init__(
        self, desk: Desk, losses: SampleLosses, held: Samples, steps: int, share: float
    ):
        super().__init__(desk, losses, _looks(len(held), steps, share))
        self.held = held

    @staticmethod
    def passes(held: int, steps: int, share: float) -> int:
        """Forward passes of a run: before the first step, in between, and at the end."""
        return held * (1 + len(_looks(held, steps, share)))

    def begin(self) -> None:
        self.start = self.best = self.present = self._look(0)

    def after(self, step: int, losses: np.ndarray) -> bool:
        now, best = self._look(step), self.best
        self.present, self.done = now, step
        z = paired(now.losses, best.losses)
        if self._collapsed(now.losses, best.losses, z):
            self.present = best
            return self._go_back(step, now.losses, best.losses)
        if z >= BETTER:
            self.best = now
        return True

    def end(self) -> Outcome:
        kept = self._chosen()
        if kept is not self.present:
            self.desk.restore(kept.state)
        return self._outcome(kept.step, self.done, self._reason(kept))

    def _reason(self, kept: Kept) -> str:
        words, last = self.sample_losses.words, self.present
        they = f"Of {len(self.held)} held-out samples they have {words(kept.losses)}"
        if not kept.step:
            constant = words(self.sample_losses.of_constant(self.held))
            chance = "" if self._above_chance(last) >= BETTER else (
                f", and one answer for all of them {constant}"
            )
            return they + (f", those learnt {words(last.losses)}{chance}" if last.step else "")
        if kept is last:
            return f"{they}, those that the run began with {words(self.start.losses)}"
        return f"{they}, the last {words(last.losses)}"

    def _look(self, step: int) -> Kept:
        return Kept(self.desk.state(), step, self.desk.losses(self.held))

    def _chosen(self) -> Kept:
        last, best, start = self.present, self.best, self.start
        if self._learnt(last) and paired(last.losses, best.losses) > -BETTER:
            return last
        return best if best is not start and self._learnt(best) else start

    def _learnt(self, weights: Kept) -> bool:
        """Surely better than the first weights, and than one answer for all samples."""
        return min(paired(weights.losses, self.start.losses), self._above_chance(weights)) >= BETTER

    def _above_chance(self, weights: Kept) -> float:
        constant = self.sample_losses.of_constant(self.held)
        return paired(weights.losses, constant, self.sample_losses.weights(self.held))


def _looks(held: int, steps: int, share: float) -> list[int]:
    """The steps after which the ``held`` samples run."""
    between = max(held, math.ceil(COST * share * held))
    between = max(1, min(between, -(-steps // LEAST_LOOKS)))
    return [*range(between, steps, between), steps]
