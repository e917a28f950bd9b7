"""What a model is to give for a sample: the kind of its targets, and how many there are."""

from __future__ import annotations

from edgetune.dataclass import dataclass
from edgetune.errors import UsageError

KINDS = ("class", "labels", "values", "input")


@dataclass(frozen=True)
class Targets:
    """The targets that a data set is to hold.

    ``kind``: "class": one class number a sample, 0 to ``size`` - 1.  "labels": ``size`` answers
    of yes or no a sample.  "values": ``size`` real numbers a sample.  "input": the sample
    itself; labels may be missing, and those of a test set are anomaly flags.

    ``size``: of one sample's target; None takes what the data has.  "input" has none.

    Raises:
        UsageError: there is no such kind, or ``size`` is below 1.
    """

    kind: str = "class"
    size: int | None = None

    def __post_init__(self):
        if self.kind not in KINDS:
            raise UsageError(
                f"There are no targets of kind {self.kind!r}.",
                "Targets are what a model is to give.", f"Choose among {', '.join(KINDS)}.",
            )
        if self.size is not None and self.size < 1:
            raise UsageError(
                f"A target of size {self.size} cannot be learnt.",
                "It is the number of classes, labels or values.",
                "Give the number of the model's outputs.",
            )

    @property
    def required(self) -> bool:
        """Whether there is nothing to learn without labels."""
        return self.kind != "input"

    @property
    def described(self) -> str:
        """What a sample's target is, for messages."""
        count = "several" if self.size is None else str(self.size)
        plural = "" if self.size == 1 else "s"
        return {
            "class": "one class number",
            "labels": f"{count} label{plural} of 0 or 1",
            "values": f"{count} real number{plural}",
            "input": "its input",
        }[self.kind]

    @property
    def named(self) -> bool:
        """Whether names can be labels: of classes, or of one label's no and yes."""
        return self.kind == "class" or (self.kind == "labels" and self.size == 1)
