"""What became of a tuning run, and what a test can demand of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path

from edgetune.ci.failures import fail
from edgetune.dataclass import dataclass
from edgetune.guard import NONE
from edgetune.guard import Outcome as GuardOutcome
from edgetune.measures.measure import Measure
from edgetune.session.further import SetResult


@dataclass(frozen=True)
class Outcome:
    """``before``, ``after``: what the device's outputs for the test set were worth.

    ``device``: its name and its board's.  ``digest``: 8 hexadecimal digits, recomputed from the
    device's memory at the end.  ``verified``: every step was compared with the simulation.
    ``ram_used``: bytes, variables and the most of the stack that was in use; None where the
    device cannot tell.  ``folder``: a `RunFolder` without firmware; ``tuned``, its tuned model.
    ``guard``: which weights the run ended with, and why.  ``also``: the further sets by name,
    before and after.
    """

    device: str
    before: Measure
    after: Measure
    test_samples: int
    steps: int
    digest: str
    verified: bool
    ram_used: int | None
    folder: Path
    tuned: Path
    note_digest: Callable[[], dict[str, str]]
    guard: GuardOutcome = GuardOutcome(NONE)
    also: Mapping[str, SetResult] = field(default_factory=dict)

    @property
    def accuracy_before(self) -> float | None:
        """The share of right predictions, 0 to 1; None of a model that makes none."""
        return self.before.accuracy

    @property
    def accuracy_after(self) -> float | None:
        return self.after.accuracy

    def assert_measure(self, bound: float) -> None:
        """Fails where the measure after learning (accuracy, AUC: as shares; MAE, RMSE) is worse
        than ``bound``, or cannot be worked out."""
        __tracebackhide__ = True
        found, wanted = self.after, "at least" if self.after.higher_is_better else "at most"
        limit = Measure(found.name, bound, found.higher_is_better)
        if found.value is None or limit.is_better_than(found):
            fail(
                f"The {found.name} on {self.device} is not good enough after {self.steps:,} steps.",
                f"{found.text} ({self.before.shown} before)", f"{wanted} {bound:g}",
                f"see every step in {self.folder / 'metrics.jsonl'}; learn on more samples or in "
                "more passes, look at what changed in model, data or recipe, or change the bound",
            )

    def _check_has_accuracy(self) -> None:
        __tracebackhide__ = True
        if self.accuracy_after is None:
            fail("An accuracy is demanded, and this model has none.",
                 f"its measure is {self.after.text}", "a model of classes, or of one label",
                 "write assert_measure(...)")

    def assert_accuracy(self, least: float) -> None:
        """Fails where the accuracy after learning is below ``least``, 0 to 1."""
        __tracebackhide__ = True
        _check_share(least, 0)
        self._check_has_accuracy()
        if self.accuracy_after < least:
            fail(
                f"The accuracy on {self.device} is too low after {self.steps:,} steps.",
                f"{_percent(self.accuracy_after)} of {self.test_samples} test samples "
                f"({_percent(self.accuracy_before)} before)",
                f"at least {_percent(least)}",
                f"see every step in {self.folder / 'metrics.jsonl'}; learn on more samples or in "
                "more passes, look at what changed in model, data or recipe, or lower the bound",
            )

    def assert_gain(self, least: float) -> None:
        """Fails where learning raised the accuracy by less than ``least``, -1 to 1."""
        __tracebackhide__ = True
        _check_share(least, -1)
        self._check_has_accuracy()
        gain = self.accuracy_after - self.accuracy_before
        if gain < least:
            fail(
                f"Learning on {self.device} gained too little accuracy in {self.steps:,} steps.",
                f"{100 * gain:+.1f} points, from {_percent(self.accuracy_before)} to "
                f"{_percent(self.accuracy_after)} of {self.test_samples} test samples",
                f"at least {100 * least:+.1f} points",
                "learn on more samples or in more passes, look at what changed in model, data or "
                "recipe, or lower the bound",
            )

    def assert_remembers(self, name: str | None = None) -> None:
        """Fails where the further set ``name``, of all without it one, is worth less than before
        by more than the standard error."""
        __tracebackhide__ = True
        names = list(self.also) if name is None else [name]
        if unknown := [one for one in names if one not in self.also] or not names:
            fail(
                "A further set is asked for that was not measured.",
                f"{', '.join(map(str, unknown)) if names else 'none was measured'}",
                f"one of {', '.join(self.also) or 'those that also= names'}",
                'name it: edgetune_device.tune(also={"clean": "old.npz"})',
            )
        for found in (self.also[one] for one in names if self.also[one].fell):
            fail(
                f"Learning on {self.device} made it forget.", found.words,
                f"at least {found.before.shown} of {found.name}, within the standard error",
                "mix samples of that set into the tuning set, train fewer layers, or take a "
                "smaller rate",
            )

    def assert_digest(self, digest: str | int) -> None:
        """Fails where the digest is not ``digest``: some bit of what was learnt is another."""
        __tracebackhide__ = True
        wanted = f"{digest:08x}" if isinstance(digest, int) else digest.lower().removeprefix("0x")
        if not re.fullmatch("[0-9a-f]{8}", wanted):
            fail("The digest that is demanded is none.", wanted, "8 hexadecimal digits",
                 f"if this run is right, write assert_digest({self.digest!r})")
        if self.digest != wanted:
            fail(
                f"The digest on {self.device} is another: weights or state differ in some bit.",
                self.digest,
                wanted,
                "if model, data, recipe, seed or edgetune's release changed on purpose, write "
                "the new digest into the test; else a kernel computes otherwise than before: "
                "edgetune verify names the layer",
            )

    def assert_same_digest(self) -> None:
        """Fails where another device ended this run of this test with another digest.

        Compares with the devices whose turn came earlier in the session.
        """
        __tracebackhide__ = True
        found = self.note_digest()
        others = {name: other for name, other in found.items() if other != self.digest}
        if others:
            fail(
                f"{self.device} and {', '.join(others)} learnt different bits from the same run.",
                f"{self.digest} on {self.device}",
                ", ".join(f"{digest} on {name}" for name, digest in others.items()),
                "run edgetune verify on each device: it names the first layer that differs",
            )


def _check_share(share: float, least: int) -> None:
    """A test whose demand is no share would fail, or pass, whatever the device does."""
    __tracebackhide__ = True
    if not least <= share <= 1:
        fail("The share that is demanded is none.", f"{share}", f"a number from {least} to 1",
             "write 90 % as 0.9")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
