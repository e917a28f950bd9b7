"""CSV files: one sample a row, its labels in some of the columns."""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from edgetune.data import windows
from edgetune.data.source import LazySamples, Request, Source, missing
from edgetune.dataclass import dataclass
from edgetune.errors import DataError, UsageError
from edgetune.files import check_regular

DELIMITERS = (",", ";", "\t")
_DECIMAL = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?")  # a number with a decimal comma
LONGEST_LINE = 1 << 24  # bytes: what is no text must not be read in one piece


class CsvRows(LazySamples):
    """float32 samples, each read again from its row of the file when it is asked for.

    ``starts``: where each row begins, in bytes; ``lines``: its line number, for messages.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, file, layout: _Layout, starts: array, lines: array, shape: tuple):
        self._file, self._layout, self._starts, self._lines = file, layout, starts, lines
        self.shape = (len(starts), *shape)

    def sample(self, row: int) -> np.ndarray:
        self._file.seek(self._starts[row])
        fields = self._layout.fields(self._file.readline(LONGEST_LINE), self._lines[row])
        for column, field in enumerate(fields):
            if column not in self._layout.apart and not _is_number(field):
                raise self._layout.no_number(
                    self._lines[row], column, field, "All columns but the label's are a sample's "
                    "values.", "say which column is the label: --label-column NAME.",
                )
        values = [float(f) for i, f in enumerate(fields) if i not in self._layout.apart]
        return np.array(values, np.float32).reshape(self.shape[1:])


@dataclass
class _Layout:
    """How a row is read: ``labels`` are the labels' columns, from 0; ``numeric``: they must be
    numbers.  ``time``: the column of a logger's times, where windows are asked for."""

    path: Path
    delimiter: str
    columns: int
    labels: tuple[int, ...]
    numeric: bool
    header: bool
    time: int | None = None

    @property
    def apart(self) -> tuple[int, ...]:
        """The columns that are no values of a sample."""
        return self.labels if self.time is None else (*self.labels, self.time)

    def fields(self, line: bytes, number: int) -> list[str]:
        fields = _split(line, self.delimiter)
        if len(fields) != self.columns:
            raise DataError(
                f"{self.path}, line {number} has {len(fields)} columns, not {self.columns}.",
                "Every row has as many as the first.",
                "Correct or remove the row.",
            )
        return fields

    def label(self, fields: list[str], number: int) -> list:
        """The labels of a row: texts, or numbers where only those serve."""
        texts = [fields[column] for column in self.labels]
        if not self.numeric:
            return texts
        for column, text in zip(self.labels, texts):
            if not _is_number(text):
                raise self.no_number(
                    number, column, text, "The labels are to be numbers.",
                    "say which columns are the labels: --label-column NAME,NAME.",
                )
        return list(map(float, texts))

    def no_number(self, number: int, column: int, text: str, cause: str, hint: str) -> DataError:
        return DataError(
            f"{self.path}, line {number}, column {column + 1}: {text[:40]!r} is not a number.",
            cause, f"Correct it, or {hint}",
        )


def read(request: Request) -> Source:
    """The rows of a file; values take the model's shape where there are as many."""
    path = request.file
    try:
        file = open(check_regular(path), "rb")
    except FileNotFoundError:
        raise missing(path) from None
    except OSError as error:
        raise DataError(
            f"{path} cannot be read.", f"{error.strerror}.", "Name a file of numbers in rows."
        ) from None
    layout = _layout(file.readline(LONGEST_LINE), request)
    starts, lines, labels, times = _rows(file, layout)
    count = layout.columns - len(layout.apart)
    shape = request.shape if count == np.prod(request.shape) else (count,)
    source = Source(CsvRows(file, layout, starts, lines, shape), None, path.name, path.name)
    if request.takes_labels and layout.labels:
        y = np.array(labels).reshape(len(starts), -1)
        source.y = y[:, 0] if y.shape[1] == 1 else y
    if request.declaration.window is None:
        return source
    return windows.cut(source, times if layout.time is not None else None, request)


def _layout(first: bytes, request: Request) -> _Layout:
    path = request.file
    if b"\0" in first or not first.strip():
        raise DataError(f"{path} is no CSV file.", "Its first line is no text.", "Check the path.")
    text = first.decode("utf-8-sig", "replace")
    delimiter = _delimiter(text)
    fields = _split(first, delimiter)
    time = windows.time_column(fields) if request.declaration.window else None
    labels = _label_columns(fields, request, time)
    apart = {*labels, time}
    values = [_is_number(field) for i, field in enumerate(fields) if i not in apart]
    if not values:
        count = "one column only" if len(fields) == 1 else "no columns beside its labels"
        raise DataError(f"{path} has {count}.", "A row is a sample and its labels.",
                        "Separate the columns by commas, and name the labels': --label-column.")
    numeric = request.needs_labels and not request.targets.named
    return _Layout(path, delimiter, len(fields), labels, numeric, not any(values), time)


def _delimiter(text: str) -> str:
    """What separates the fields of a file's first line.  A comma between two digits may be the
    decimal one: where semicolons or tabs leave no other comma, it is."""
    for delimiter in DELIMITERS[1:]:
        fields = text.strip().split(delimiter)
        if len(fields) > 1 and all(_DECIMAL.fullmatch(f.strip()) or "," not in f for f in fields):
            return delimiter
    return max(DELIMITERS, key=text.count)


def _label_columns(
    fields: list[str], request: Request, time: int | None = None
) -> tuple[int, ...]:
    """Those that were named; else the last ones, as many as a sample has labels."""
    named = request.label_column
    if named is not None:
        names = [named] if named in fields else named.split(",")
        return tuple(dict.fromkeys(_column(name.strip(), fields, request) for name in names))
    values = len(fields) - (time is not None)
    if not request.needs_labels and values == windows.values_a_row(request):
        return ()
    several = request.needs_labels and request.targets.kind != "class"
    count = (request.targets.size or 1) if several else 1
    return tuple(range(max(0, len(fields) - count), len(fields)))


def _column(column: str, fields: list[str], request: Request) -> int:
    """A column's place from 0, by its name or its number from 1."""
    if column in fields:
        return fields.index(column)
    if column.isdecimal() and 1 <= int(column) <= len(fields):
        return int(column) - 1
    raise UsageError(
        f"{request.path} has no column {column}.",
        f"Its first line has {len(fields)}: {', '.join(fields[:3])} ... {fields[-1]}.",
        "Give the label column's name, or its number from 1; several with commas between.",
    )


def _rows(file, layout: _Layout) -> tuple[array, array, list, list[str]]:
    """Where the rows begin, their line numbers, labels and times; blank lines are passed over."""
    starts, lines, labels, times = array("q"), array("q"), [], []
    at = file.tell() if layout.header else 0
    file.seek(at)
    for number, line in enumerate(_lines(file), start=1 + layout.header):
        if line.strip():
            fields = layout.fields(line, number)
            starts.append(at)
            lines.append(number)
            labels.append(layout.label(fields, number))
            if layout.time is not None:
                times.append(fields[layout.time])
        at += len(line)
    if not starts:
        raise DataError(f"{layout.path} holds no samples.", "It has no rows.", "Check the path.")
    return starts, lines, labels, times


def _lines(file) -> Iterator[bytes]:
    return iter(lambda: file.readline(LONGEST_LINE), b"")


def _split(line: bytes, delimiter: str) -> list[str]:
    text = line.decode("utf-8-sig", "replace").rstrip("\r\n")
    fields = text.split(delimiter)
    if '"' in text:
        with suppress(csv.Error):  # as it stands it fails as a number, with its line and column
            fields = next(csv.reader([text], delimiter=delimiter))
    stripped = [field.strip() for field in fields]
    if delimiter == ",":
        return stripped
    return [f.replace(",", ".") if _DECIMAL.fullmatch(f) else f for f in stripped]


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
