"""What the user declares about the raw samples, checked."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgetune.data.features import parse_features
from edgetune.data.preprocessing import FITS, ORDERS, Preprocessing
from edgetune.dataclass import dataclass
from edgetune.errors import UsageError

Numbers = float | Sequence[float]


@dataclass(frozen=True)
class Declaration:
    """The fields of `Preprocessing` that were declared; None where nothing was said.

    ``mean`` stands in for ``offset``: ``real = scale * (raw - mean)``.

    Raises:
        UsageError: a value that no data could be read by.
    """

    scale: Numbers | None = None
    offset: Numbers | None = None
    mean: Numbers | None = None
    order: str | None = None
    fit: str | None = None
    sample_rate: int | None = None
    frame: tuple[int, int] | None = None
    window: tuple[int, int] | None = None
    features: str | None = None

    def __post_init__(self):
        for name in ("scale", "offset", "mean"):
            _check_numbers(name, getattr(self, name))
        if self.offset is not None and self.mean is not None:
            raise _wrong("offset", "and a mean say the same thing", "Give one of --offset, --mean.")
        for name, choices in (("order", ORDERS), ("fit", FITS)):
            value = getattr(self, name)
            if value and value not in choices:
                raise _wrong(name, f"is {value!r}", f"Choose among {', '.join(choices)}.")
        for name, pair, unit in (("frame", self.frame, "values"), ("window", self.window, "rows")):
            if pair is not None and (len(pair) != 2 or min(pair) < 1):
                raise _wrong(name, f"is {pair}", f"Give length and hop in {unit}: 640,320.")
        if self.features is not None:
            parse_features(self.features)
            if self.frame is not None:
                raise _wrong("frame", "and features exclude each other", "Leave --frame out.")
        if self.sample_rate is not None and self.sample_rate < 1:
            raise _wrong("sample rate", f"is {self.sample_rate}", "Give it in Hz: 16000.")

    @property
    def values(self) -> tuple[float | tuple, float | tuple] | None:
        """``scale`` and ``offset``; None where neither was declared."""
        if self.scale is None and self.offset is None and self.mean is None:
            return None
        scale = 1.0 if self.scale is None else _plain(self.scale)
        if self.mean is not None:
            return scale, _offset(scale, _plain(self.mean))
        return scale, 0.0 if self.offset is None else _plain(self.offset)

    def after(self, stored: Preprocessing | None) -> Declaration:
        """Itself, with what it leaves open about order and sizes as ``stored`` declares it."""
        if stored is None:
            return self
        return Declaration(
            self.scale, self.offset, self.mean,
            self.order or stored.order,
            self.fit if self.fit is not None else stored.fit,
            self.sample_rate or stored.sample_rate,
            self.frame or (None if self.features else stored.frame),
            self.window or stored.window,
            self.features or stored.features,
        )  # fmt: skip


def _check_numbers(name: str, value: Numbers | None):
    if value is None:
        return
    try:
        numbers = [float(number) for number in np.ravel(value)]
    except (TypeError, ValueError):
        numbers = []
    if not numbers or not all(map(math.isfinite, numbers)) or (name == "scale" and 0 in numbers):
        raise UsageError(
            f"The declared {name} is not a usable number.",
            "It must be finite, and a scale other than zero.",
            f"Correct --{name}, or {name} in the data file.",
        )


def _plain(value: Numbers) -> float | tuple[float, ...]:
    """One number as such, several as a tuple."""
    numbers = tuple(map(float, np.ravel(value)))
    return numbers if len(numbers) > 1 else numbers[0]


def _offset(scale, mean):
    """The offset that subtracts ``mean`` before scaling."""
    if not isinstance(scale, tuple) and not isinstance(mean, tuple):
        return 0.0 - scale * mean
    count = len(scale if isinstance(scale, tuple) else mean)
    scales = scale if isinstance(scale, tuple) else (scale,) * count
    means = mean if isinstance(mean, tuple) else (mean,) * count
    if len(scales) != len(means):
        raise _wrong("mean", "and the scale have different lengths", "Give one a channel.")
    return tuple(0.0 - s * m for s, m in zip(scales, means))


def _wrong(name: str, what: str, next_step: str) -> UsageError:
    return UsageError(f"The declared {name} {what}.", "No data can be read so.", next_step)
