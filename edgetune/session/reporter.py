"""How a session tells what it is doing; the command line and notebooks supply their own."""

from __future__ import annotations

from edgetune.dataclass import dataclass

WINDOW = 100  # steps whose right predictions make the running accuracy


@dataclass(frozen=True)
class LearntSample:
    """A sample as it was just before the step that learnt it.  ``expected``, ``predicted``: of
    classes their names, or numbers where they have none; "" of other targets.  ``loss``: see
    `step_loss`."""

    expected: str
    predicted: str
    loss: float

    @property
    def right(self) -> bool:
        """Of classes."""
        return self.expected == self.predicted


class Reporter:
    """Silent by default; override what you want to show."""

    def note(self, text: str) -> None:
        """A sentence about what happens next."""

    def warning(self, text: str) -> None:
        """A sentence about what may void the result: it is never to be hidden."""
        self.note(f"Warning: {text}")

    def progress(self, phase: str, done: int, total: int, accuracy: float | None = None) -> None:
        """``done`` of ``total`` samples in ``phase``; the share of right predictions, while
        learning of the last `WINDOW` steps, else of all so far."""

    def learnt(self, sample: LearntSample) -> None:
        """The sample of a training step, told before the step's `progress`."""
