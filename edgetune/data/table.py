"""CSV files: one sample a row, its label in one of the columns."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgetune.data.source import LazySamples, Request, Source, missing
from edgetune.errors import DataError, UsageError

DELIMITERS = (",", ";", "\t")
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
            if column != self._layout.label and not _is_number(field):
                raise DataError(
                    f"{self._file.name}, line {self._lines[row]}, column {column + 1}: "
                    f"{field[:40]!r} is not a number.",
                    "All columns but the label's are a sample's values.",
                    "Correct it, or say which column is the label: --label-column NAME.",
                )
        values = [float(f) for i, f in enumerate(fields) if i != self._layout.label]
        return np.array(values, np.float32).reshape(self.shape[1:])


@dataclass
class _Layout:
    """How a row is read: ``label`` is the label's column (-1: none), from 0."""

    path: Path
    delimiter: str
    columns: int
    label: int
    header: bool

    def fields(self, line: bytes, number: int) -> list[str]:
        fields = _split(line, self.delimiter)
        if len(fields) != self.columns:
            raise DataError(
                f"{self.path}, line {number} has {len(fields)} columns, not {self.columns}.",
                "Every row has as many as the first.",
                "Correct or remove the row.",
            )
        return fields


def read(request: Request) -> Source:
    """The rows of a file; values take the model's shape where there are as many."""
    path = request.file
    try:
        file = open(path, "rb")
    except FileNotFoundError:
        raise missing(path) from None
    layout = _layout(file.readline(LONGEST_LINE), request)
    starts, lines, labels = _rows(file, layout)
    count = layout.columns - (layout.label >= 0)
    shape = request.shape if count == np.prod(request.shape) else (count,)
    rows = CsvRows(file, layout, starts, lines, shape)
    return Source(rows, np.array(labels) if request.labelled else None, path.name, path.name)


def _layout(first: bytes, request: Request) -> _Layout:
    path = request.file
    if b"\0" in first or not first.strip():
        raise DataError(f"{path} is no CSV file.", "Its first line is no text.", "Check the path.")
    text = first.decode("utf-8-sig", "replace")
    delimiter = max(DELIMITERS, key=text.count)
    fields = _split(first, delimiter)
    label = _label_column(fields, request)
    values = [_is_number(field) for i, field in enumerate(fields) if i != label]
    if not values:
        raise DataError(f"{path} has one column only.", "A row is a sample and its label.",
                        "Separate the columns by commas.")
    return _Layout(path, delimiter, len(fields), label, not any(values))


def _label_column(fields: list[str], request: Request) -> int:
    column = request.label_column
    if column is None:
        unlabelled = not request.labelled and len(fields) == np.prod(request.shape)
        return -1 if unlabelled else len(fields) - 1
    if column in fields:
        return fields.index(column)
    if column.isdecimal() and 1 <= int(column) <= len(fields):
        return int(column) - 1
    raise UsageError(
        f"{request.path} has no column {column}.",
        f"Its first line has {len(fields)}: {', '.join(fields[:3])} ... {fields[-1]}.",
        "Give the label column's name, or its number from 1.",
    )


def _rows(file, layout: _Layout) -> tuple[array, array, list[str]]:
    """Where the rows begin, their line numbers and labels; blank lines are passed over."""
    starts, lines, labels = array("q"), array("q"), []
    at = file.tell() if layout.header else 0
    file.seek(at)
    for number, line in enumerate(_lines(file), start=1 + layout.header):
        if line.strip():
            fields = layout.fields(line, number)
            starts.append(at)
            lines.append(number)
            labels.append(fields[layout.label].strip())
        at += len(line)
    if not starts:
        raise DataError(f"{layout.path} holds no samples.", "It has no rows.", "Check the path.")
    return starts, lines, labels


def _lines(file) -> Iterator[bytes]:
    return iter(lambda: file.readline(LONGEST_LINE), b"")


def _split(line: bytes, delimiter: str) -> list[str]:
    text = line.decode("utf-8-sig", "replace").rstrip("\r\n")
    fields = text.split(delimiter)
    if '"' in text:
        try:
            fields = next(csv.reader([text], delimiter=delimiter))
        except csv.Error:
            pass  # as it stands it fails as a number, with its line and column
    return [field.strip() for field in fields]


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
