"""Further sets of samples, measured before a run and after it: what it made the model forget."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.errors import UsageError
from edgetune.guard.comparison import paired
from edgetune.learn.losses import CLASS

if TYPE_CHECKING:
    from edgetune.data import Dataset
    from edgetune.guard import SampleLosses
    from edgetune.guard.sample_losses import Samples
    from edgetune.measures.measure import Measure

FELL = 1.0  # standard errors
TEST = "test"
SETS = "Write --also NAME=SOURCE, SOURCE as for --data, or --also PART for a part of --data."
_NAME = re.compile(r"[\w.-]+")
_PART = re.compile(r"(?P<file>.+\.npz):(?P<part>\w+)")
_PAIR = re.compile(r"(?P<file>.+\.npy):(?P<labels>.+\.npy)")

Further = Mapping[str, str | os.PathLike] | Iterable[str] | str


@dataclass(frozen=True)
class Place:
    """Where a set lies: a ``source`` as `load_data` takes it, None for that of the tuning set,
    the ``part`` of it that is meant, and of an .npy file the one that has its ``labels``."""

    source: str | None
    part: str | None = None
    labels: str | None = None

    @property
    def whole(self) -> str:
        """The source with its part or labels, as it was written; "" where it is a part of the
        data."""
        words = (self.source, self.part or self.labels)
        return ":".join(filter(None, words)) if self.source else ""


def places_of(also: Further | None) -> dict[str, Place]:
    """The sets by their names, from "NAME=SOURCE", "NAME=FILE.npz:PART", "NAME=X.npy:Y.npy" or
    "PART", with commas several, or a mapping from names to sources.

    Raises:
        UsageError: a set without name or source, or a name that stands twice.
    """
    if also is None:
        return {}
    if isinstance(also, Mapping):
        items = [(str(name), str(source)) for name, source in also.items()]
    else:
        texts = also.split(",") if isinstance(also, str) else also
        items = [_item(text) for text in texts]
    for name in (names := [name for name, _ in items]):
        if not _NAME.fullmatch(name) or name == TEST or names.count(name) > 1:
            raise UsageError(
                f"A further set cannot be called {name!r}.",
                "Names have letters, digits, . _ and -; each stands once, and the test set is "
                f"{TEST}.", SETS,
            )
    return {name: _place(source) for name, source in items}


def _item(text: str) -> tuple[str, str]:
    name, equals, source = (part.strip() for part in str(text).partition("="))
    if not name or (equals and not source):
        raise UsageError(f"{text!r} names no set.", "It has no name, or no source.", SETS)
    return name, source if equals else f":{name}"


def _place(source: str) -> Place:
    if source.startswith(":"):
        return Place(None, source[1:])
    if found := _PART.fullmatch(source):
        return Place(found["file"], found["part"])
    if found := _PAIR.fullmatch(source):
        return Place(found["file"], labels=found["labels"])
    return Place(source)


@dataclass(frozen=True)
class SetResult:
    """One set before a run and after it: what the device's outputs for its ``samples`` were worth.

    ``losses_before``, ``losses_after``: of single samples, float64 (n,), as `SampleLosses` has
    them: of classes 0 or 1.  ``predictions_before``, ``predictions_after``, ``targets``: class
    numbers, int64 (n,); None of a model of no classes.
    """

    name: str
    before: Measure
    after: Measure
    losses_before: np.ndarray = field(repr=False, compare=False)
    losses_after: np.ndarray = field(repr=False, compare=False)
    predictions_before: np.ndarray | None = field(default=None, repr=False, compare=False)
    predictions_after: np.ndarray | None = field(default=None, repr=False, compare=False)
    targets: np.ndarray | None = field(default=None, repr=False, compare=False)

    @property
    def samples(self) -> int:
        return len(self.losses_after)

    @property
    def won(self) -> int:
        """Samples whose loss is less than it was: of classes those that are right now alone."""
        return int((self.losses_after < self.losses_before).sum())

    @property
    def lost(self) -> int:
        return int((self.losses_after > self.losses_before).sum())

    @property
    def z(self) -> float:
        """Standard errors by which the losses fell, of the same samples (`paired`)."""
        return paired(self.losses_after, self.losses_before)

    @property
    def fell(self) -> bool:
        """Whether the set's measure is worse by more than the standard error."""
        return self.before.is_better_than(self.after) and self.z < -FELL

    @property
    def words(self) -> str:
        """Where it fell: a sentence."""
        return (
            f"{self.name} fell from {self.before.shown} to {self.after.shown}: {self.lost:,} of "
            f"{self.samples:,} samples are worse than before and {self.won:,} better "
            f"({-self.z:.1f} standard errors)."
        )

    def as_dict(self) -> dict:
        """For JSON."""
        return {
            "before": self.before.as_dict(), "after": self.after.as_dict(),
            "samples": self.samples, "won": self.won, "lost": self.lost,
            "z": round(self.z, 3), "fell": self.fell,
        }


def compared(
    name: str, data: Dataset, losses: SampleLosses, before: np.ndarray, after: np.ndarray,
    worth: tuple[Measure, Measure],
) -> SetResult:
    """The test set of ``data`` by a device's int8 outputs (n, outputs) for it."""
    from edgetune.guard.sample_losses import Samples  # not for a job that only plans

    rows = np.arange(len(before))
    y = data.test_y if data.test_y is not None else np.zeros((len(rows), 0))
    found = [_losses(losses, outputs, Samples(data.test_x, y, rows)) for outputs in (before, after)]
    if losses.kind != CLASS:
        return SetResult(name, *worth, *found)
    return SetResult(
        name, *worth, *found, before.argmax(axis=1), after.argmax(axis=1), np.asarray(y)
    )


def _losses(losses: SampleLosses, outputs: np.ndarray, samples: Samples) -> np.ndarray:
    if losses.kind == CLASS:
        return (outputs.argmax(axis=1) != samples.targets).astype(float)
    return np.array([
        losses.of_output(output, np.asarray(x), y) for output, (x, y) in zip(outputs, samples)
    ])
