"""The guard without samples of its own: it judges by the error that runs along with learning,
each sample's before its update.

Other weights are compared sample by sample, by forward passes over the samples just learnt from.
A change of the data alone, which is hard for all weights, is then not taken for a fall.
"""

from __future__ import annotations

import numpy as np

from edgetune.guard.base import Desk, Guard, Kept, Outcome
from edgetune.guard.comparison import BETTER, RISEN, largely_above, paired, unpaired
from edgetune.guard.sample_losses import SampleLosses, Samples

LEAST_STEPS = 100  # a shorter run tells nothing
LEAST, MOST = 20, 200  # steps of a window
WINDOWS = 16  # in a run
MOST_QUESTIONS = 4  # about the best weights, in vain


class RunningGuard(Guard):
    """Windows of steps: a mean error that falls far behind the best weights' own brings these
    back; at the end the last weights have to have done better than those that the run began with,
    and surely better than an answer that never looks at the sample.

    Args:
        samples: of the run, in the order of its steps.
    """

    kind = "running"

    def __init__(self, desk: Desk, losses: SampleLosses, samples: Samples):
        steps = len(samples)
        self.samples, self.window = samples, _window(steps)
        self.idle = steps < LEAST_STEPS
        whole = range(self.window, steps - self.window + 1, self.window)
        super().__init__(desk, losses, [steps] if self.idle else [*whole, steps])
        self.seen = np.zeros(0)
        self.back_at = self.questions = 0

    @staticmethod
    def passes(steps: int) -> int:
        """Forward passes of a run in which nothing is suspected, at most: the first weights run the
        first window and the last two, and the best ones these two."""
        return 0 if steps < LEAST_STEPS else _window(steps) + 2 * _last(steps)

    def begin(self) -> None:
        first = self.samples[: 0 if self.idle else self.spans[0][1]]
        self.start = self.best = Kept(self.desk.state(), 0, self.desk.losses(first))

    def after(self, step: int, losses: np.ndarray) -> bool:
        self.seen = np.append(self.seen, losses)
        samples = self.samples[step - len(losses) : step]
        if self.idle:
            return True
        against = self._fallen_behind(step, losses, samples)
        if against is not None:
            self.back_at = step
            return self._go_back(step, losses, against)
        if unpaired(losses, self.best.losses) >= RISEN and self._tells(losses, samples):
            self.best = Kept(self.desk.state(), step, losses)
        return True

    def end(self) -> Outcome:
        if self._one_sided():
            return self._back(self.start, self._one_sided_words())
        if self.idle:
            self.notes.append(
                f"A run of fewer than {LEAST_STEPS} steps tells the guard nothing."
            )
            return self._kept(len(self.seen), "")
        samples = self._evidence()
        losses = self._present_losses(samples)
        if not self._tells(losses, samples):
            return self._nothing_learnt(losses, samples)
        return self._choose(losses, samples)

    # -- meanwhile ---------------------------------------------------------------------------

    def _fallen_behind(
        self, step: int, losses: np.ndarray, samples: Samples
    ) -> np.ndarray | None:
        """The best weights' losses on ``samples``, where ``losses`` fell far behind them."""
        best = self.best.losses
        if step == self.spans[0][1]:  # of these same samples
            return best if self._collapsed(losses, best, paired(losses, best)) else None
        if self.questions == MOST_QUESTIONS:
            return None
        if not self._collapsed(losses, best, unpaired(losses, best)):
            return None
        theirs = self._losses_with(self.best.state, samples)
        if self._collapsed(losses, theirs, paired(losses, theirs)):
            return theirs
        self.questions += 1
        return None

    def _tells(self, losses: np.ndarray, samples: Samples) -> bool:
        """Whether ``losses`` are better than those of an answer that is always the same."""
        constant = self.sample_losses.of_constant(samples)
        return paired(losses, constant, self.sample_losses.weights(samples)) >= BETTER

    # -- at the end --------------------------------------------------------------------------

    def _evidence(self) -> Samples:
        """The samples of the last two windows, of 100 steps at least."""
        done = len(self.seen)
        return self.samples[max(0, done - _last(len(self.samples))) : done]

    def _present_losses(self, samples: Samples) -> np.ndarray:
        """Of the present weights: those that ran along, unless weights were put back meanwhile."""
        done = len(self.seen)
        if self.back_at > done - len(samples):
            return self.desk.losses(samples)
        return self.seen[done - len(samples) :]

    def _one_sided(self) -> bool:
        done = len(self.seen)
        return done >= LEAST and self.sample_losses.one_sided(self.samples[:done])

    def _one_sided_words(self) -> str:
        done = len(self.seen)
        return (
            f"All {done:,} samples of the run are of class {self.samples.targets[0]}: from them "
            "no class can be told from another"
        )

    def _nothing_learnt(self, losses: np.ndarray, samples: Samples) -> Outcome:
        found, words = self.sample_losses, self.sample_losses.words
        reason = (
            f"Of the last {len(samples)} samples the weights then learnt had {words(losses)}, "
            f"which is no better than one answer for all of them "
            f"({words(found.of_constant(samples))})"
        )
        if not self._best_beat_the_first():
            return self._back(self.start, reason)
        return self._back(self.best, f"{reason}; those before had {words(self.best.losses)}")

    def _best_beat_the_first(self) -> bool:
        """Whether learning brought something while it went well: by `BETTER` on the samples of the
        window that the best weights were learnt from, which flatters them, as it chose them."""
        best = self.best
        if not best.step:
            return False
        theirs = self._losses_with(
            self.start.state, self.samples[best.step - len(best.losses) : best.step]
        )
        return paired(best.losses, theirs) >= BETTER

    def _choose(self, losses: np.ndarray, samples: Samples) -> Outcome:
        """The last weights, the best or the first, by their losses on ``samples``."""
        words, found, step = self.sample_losses.words, losses, self._step_of_present()
        if self._best_was_better(losses):
            theirs = self._losses_with(self.best.state, samples)
            if paired(losses, theirs) <= -BETTER:
                found, step = theirs, self.best.step
        of_last, compared = f"Of the last {len(samples)} samples", ""
        if step:
            first = self._losses_with(self.start.state, samples)
            if paired(found, first) <= 0:
                return self._back(
                    self.start, f"{of_last} they have {words(first)}, those learnt {words(found)}"
                )
            compared = f", those that the run began with {words(first)}"
        reason = f"{of_last} they had {words(found)}"
        if found is not losses:
            return self._back(self.best, f"{reason}, the last weights {words(losses)}")
        return self._kept(step, reason + compared)

    def _best_was_better(self, losses: np.ndarray) -> bool:
        best = self.best
        if best.step in (0, self._step_of_present()):
            return False
        return largely_above(losses, best.losses, self.sample_losses.shares) or (
            unpaired(losses, best.losses) <= -BETTER
        )

    def _step_of_present(self) -> int:
        """After how many steps the present weights were found."""
        gone_back = self.falls and self.falls[-1].step == len(self.seen)
        return self.falls[-1].back_to if gone_back else len(self.seen)

    def _back(self, weights: Kept, reason: str) -> Outcome:
        self.desk.restore(weights.state)
        return self._kept(weights.step, reason)

    def _kept(self, step: int, reason: str) -> Outcome:
        return self._outcome(step, len(self.seen), reason)


def _window(steps: int) -> int:
    return min(max(steps // WINDOWS, LEAST), MOST)


def _last(steps: int) -> int:
    """How many of the last samples are looked at in the end."""
    return min(steps, max(2 * _window(steps), LEAST_STEPS))
