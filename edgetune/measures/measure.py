"""The result of an evaluation: one number to look at first, and all others."""

from __future__ import annotations

from dataclasses import field

from edgetune.dataclass import dataclass

_SHARES = ("accuracy",)  # shown in percent
_TABLE = 20  # classes; a larger confusion fits no terminal


@dataclass(frozen=True)
class Measure:
    """``name`` and ``value`` of the measure that a run is judged by: "accuracy", "AUC", "MAE" or
    "RMSE".

    ``value`` is None where it cannot be worked out; ``reason`` says why, also for those of the
    others that are None.  ``others``: further measures by name: numbers, lists, None, as JSON
    holds them.  ``confusion``: counts [actual][predicted] of a model of classes, else None.
    """

    name: str
    value: float | None
    higher_is_better: bool
    others: dict = field(default_factory=dict)
    reason: str = ""
    confusion: list[list[int]] | None = None

    @property
    def shown(self) -> str:
        """The value as the terminal shows it: "97.5 %", "0.9312", "unknown"."""
        return _shown(self.name, self.value)

    @property
    def accuracy(self) -> float | None:
        """The share of right predictions, 0 to 1; None for what makes no predictions."""
        return self.value if self.name == "accuracy" else self.others.get("accuracy")

    @property
    def text(self) -> str:
        """One line: the value, the single numbers among the others, and the reason."""
        single = {name: v for name, v in self.others.items() if isinstance(v, (int, float))}
        more = ", ".join(f"{name} {_shown(name, value)}" for name, value in single.items())
        line = f"{self.name} {self.shown}" + (f" ({more})" if more else "")
        return f"{line}: {self.reason}" if self.reason else line

    def is_better_than(self, other: Measure) -> bool:
        """Whether it is above the same measure of another run; an unknown one is never."""
        if self.value is None or other.value is None:
            return False
        above = self.value > other.value
        return above if self.higher_is_better else self.value < other.value

    def as_dict(self) -> dict:
        """For JSON; ``confusion`` and ``reason`` where there are any."""
        facts = {
            "name": self.name, "value": self.value, "higher_is_better": self.higher_is_better,
            "others": self.others,
        }  # fmt: skip
        facts |= {"confusion": self.confusion} if self.confusion is not None else {}
        return facts | ({"reason": self.reason} if self.reason else {})

    def table(self, names: tuple[str, ...] = ()) -> tuple[list[str], list[list]] | None:
        """The confusion as headers and rows for the terminal, None without or of many classes.

        ``names``: of classes 0, 1, ...; their numbers without.
        """
        if self.confusion is None or len(self.confusion) > _TABLE:
            return None
        called = [*names, *map(str, range(len(names), len(self.confusion)))]
        rows = [[name, *counts] for name, counts in zip(called, self.confusion)]
        return ["actual / predicted", *called[: len(self.confusion)]], rows


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{100 * value:.1f} %" if name in _SHARES else f"{value:.4g}"
