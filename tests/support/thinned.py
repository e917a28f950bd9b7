"""Which cells of a matrix the quickest tests run, where all of them test one kind of thing."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pytest


def thinned(cells: Iterable, every: int) -> list:
    """All ``cells`` of one parameter; `make test-fast` runs the first of each ``every``."""
    return [cell if i % every == 0 else _thorough(cell) for i, cell in enumerate(cells)]


def thinned_rows(rows: Iterable, every: int) -> list:
    """`thinned` of several parameters' values."""
    return [
        row if i % every == 0 else pytest.param(*row, marks=pytest.mark.thorough)
        for i, row in enumerate(rows)
    ]


def quick(cells: Iterable, names: Collection) -> list:
    """All ``cells`` of one parameter; `make test-fast` runs those that are in ``names``."""
    return [cell if cell in names else _thorough(cell) for cell in cells]


def counts(few: int, all_: int) -> list:
    """How often a random test tries: ``few`` for `make test-fast`, and ``all_``."""
    return [few, _thorough(all_)]


def _thorough(cell):
    return pytest.param(cell, marks=pytest.mark.thorough)
