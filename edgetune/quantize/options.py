"""How a model is to be converted."""

from __future__ import annotations

from dataclasses import asdict

from edgetune.dataclass import dataclass
from edgetune.errors import UsageError
from edgetune.quantize.ranges import RULES


@dataclass(frozen=True)
class Options:
    """The choices of a conversion.

    ``range_rule``: "minmax", "percentile" or "mse" (``ranges``); ``percentile``: in percent,
    above 50, for that rule; ``samples``: the most calibration samples to use;
    ``bias_correction``: whether mean errors of layers go into their biases; ``equalisation``:
    whether channels between layers are brought to one range first.
    """

    range_rule: str = "percentile"
    percentile: float = 99.99
    samples: int = 500
    bias_correction: bool = True
    equalisation: bool = False

    def __post_init__(self):
        if self.range_rule not in RULES:
            raise UsageError(
                f"There is no range rule {self.range_rule!r}.",
                "",
                f"The rules are {', '.join(RULES)}.",
            )
        if not 50 < self.percentile <= 100:
            raise UsageError(
                f"The percentile {self.percentile:g} keeps less than half of the values, "
                "or more than all.", "", "Give a number above 50 and up to 100.",
            )
        if self.samples < 1:
            raise UsageError("No calibration samples are asked for.", "", "Ask for at least one.")

    def as_dict(self) -> dict:
        return asdict(self)
