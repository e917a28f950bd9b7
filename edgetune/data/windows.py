"""A logger's rows, one a moment, cut into windows: samples of a sensor over time."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from edgetune.data.source import LazySamples, Request, Source
from edgetune.errors import DataError

GAP = 4.0  # usual steps between two rows; beyond it a recording ended and another one began
_TIME = re.compile(
    r"(time|timestamp|datetime|date|epoch|t|ms|us)(\W.*|_(s|ms|us|ns))?", re.IGNORECASE
)


class Windows(LazySamples):
    """float32 samples of consecutive rows in the model's shape: ``length`` rows from each of
    ``starts`` on."""

    dtype = np.dtype(np.float32)

    def __init__(self, rows: LazySamples, starts: np.ndarray, length: int, shape: tuple):
        self._rows, self._starts, self._length = rows, starts, length
        self.shape = (len(starts), *shape)

    def sample(self, row: int) -> np.ndarray:
        first = int(self._starts[row])
        rows = [self._rows.sample(i) for i in range(first, first + self._length)]
        return np.stack(rows).reshape(self.shape[1:])


def time_column(fields: Sequence[str]) -> int | None:
    """The column that says when a row was taken, by a header's names; None without one."""
    found = (i for i, field in enumerate(fields) if _TIME.fullmatch(field.strip()))
    return next(found, None)


def values_a_row(request: Request) -> int:
    """Of a row, so that a window of them is a sample; DataError where none can be."""
    length, _ = request.declaration.window or (1, 1)
    size = math.prod(request.shape)
    if size % length:
        raise DataError(
            f"Windows of {length} rows do not make up the model's input.",
            f"It takes {list(request.shape)}, {size} values.",
            "Give the window's rows as the model has them: --window ROWS,HOP.",
        )
    return size // length


def cut(source: Source, times: Sequence[str] | None, request: Request) -> Source:
    """``source``, whose samples are single rows, in windows.

    A window does not cross a change of class, nor a gap in time; its label is that of its last
    row.  Windows that share rows are ``overlapping``.

    Args:
        times: what the rows' time column holds; None without one.

    Raises:
        DataError: no stretch of rows is as long as a window, or a row has another number of
            values than the model's.
    """
    assert request.declaration.window is not None
    length, hop = request.declaration.window
    values, wanted = math.prod(source.x.shape[1:]), values_a_row(request)
    if values != wanted:
        raise DataError(
            f"A row of {request.path} has {values} values; in windows of {length} rows the model "
            f"takes {wanted} each.", f"Its input is {list(request.shape)}.",
            "Leave columns out, or say which is the label: --label-column NAME.",
        )
    count = len(source.x)
    ends = {count} | (set() if times is None else _gaps(times, request.path))
    if source.y is not None and request.targets is not None and request.targets.named:
        ends |= set((np.flatnonzero(source.y[1:] != source.y[:-1]) + 1).tolist())
    starts: list[int] = []
    begin = 0
    for end in sorted(ends):
        starts += range(begin, end - length + 1, hop)
        begin = end
    if not starts:
        raise DataError(
            f"{request.path} has no {length} rows in a row of one class and without a gap.",
            f"It has {count} rows, in {len(ends)} stretches.",
            "Give shorter windows, if the model takes them, or a longer recording.",
        )
    at = np.array(starts)
    y = None if source.y is None else source.y[at + length - 1]
    windows = Windows(source.x, at, length, request.shape)  # type: ignore[arg-type]
    return Source(windows, y, source.x_name, source.y_name, overlapping=hop < length)


def _gaps(times: Sequence[str], path: str) -> set[int]:
    """The rows before which time leaps: back, or by more than ``GAP`` usual steps."""
    steps = np.diff(np.array([_seconds(text, i, path) for i, text in enumerate(times)]))
    forward = steps[steps > 0]
    if not len(forward):
        return set()
    leaps = (steps < 0) | (steps > GAP * np.median(forward))
    return set((np.flatnonzero(leaps) + 1).tolist())


def _seconds(text: str, row: int, path: str) -> float:
    """A time in any one unit."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        raise DataError(
            f"{path}, sample {row + 1}: {text[:40]!r} is no time.",
            "The column is a time by its name: numbers that rise, or 2026-01-31T12:00:00.",
            "Correct it, or call the column otherwise.",
        ) from None
