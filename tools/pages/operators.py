"""The table of docs/operators.md: what edgetune makes of each kind of operator."""

from __future__ import annotations

from collections.abc import Iterable

from edgetune.model.kinds import BESIDES, KINDS, Kind, Line
from tools.pages.table import table

BEGIN = "<!-- Made by tools/operator_page.py from edgetune/model/kinds.py. -->"
END = "<!-- Up to here. -->"


def with_table(page: str) -> str:
    """``page`` with today's table between its two marks; ValueError where it lacks them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, behind = rest.partition(END)
    if not (begin and end):
        raise ValueError("the page has no place for its table")
    return "\n".join([before + BEGIN, "", *table_lines(), "", END + behind])


def table_lines(kinds: Iterable[Kind] = tuple(KINDS.values())) -> list[str]:
    rows = [
        [line.operators, line.reads, line.converts, line.runs, line.trains]
        for line in _lines(kinds)
    ]
    return table(["operator", "reads", "converts", "runs", "trains"], rows)


def _lines(kinds: Iterable[Kind]) -> list[Line]:
    """A line for each kind; kinds in a row of which the same is said share one."""
    lines: list[Line] = []
    for kind in kinds:
        line = Line(kind.name, kind.converts, kind.runs, kind.trains, kind.reads)
        if lines and lines[-1][1:] == line[1:]:
            line = line._replace(operators=f"{lines.pop().operators}, {kind.name}")
        lines.append(line)
        if kind.name in BESIDES:
            lines.append(BESIDES[kind.name])
    return lines
