"""The report's measured sets: before and after, confusions, the samples that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from edgetune.measures.measure import Measure
from edgetune.pages.page import paragraph, section, table
from edgetune.session.further import TEST
from edgetune.session.predictions import Samples

MOST_CLASSES = 40  # of a confusion that is shown whole
MOST_PAIRS = 30  # of a larger one
MOST_CHANGED = 200  # samples, of each set


def sets_of(record: dict) -> dict[str, dict]:
    """Each measured set's ``before`` and, once it is known, ``after``, as `Measure.as_dict`."""
    before = record.get("before", {})
    result = record.get("result")
    if result is None:
        return {name: {"before": one} for name, one in before.items()}
    first = result.get("test") or {"before": result["before"], "after": result["after"]}
    return {TEST: first} | result.get("also", {})


def measures_section(record: dict) -> str:
    found = sets_of(record)
    if not found:
        return section("Measures", paragraph("No set was measured."))
    counts = record.get("data", {}).get("samples", {})
    rows = [
        [name, counts.get(name), one["before"]["name"], _shown(one["before"]),
         _shown(one.get("after")), one.get("won"), one.get("lost"),
         "fell" if one.get("fell") else ""] for name, one in found.items()
    ]
    others = [
        [name, key, _number(one["before"]["others"].get(key)),
         _number((one.get("after") or {"others": {}})["others"].get(key))]
        for name, one in found.items() for key, value in one["before"]["others"].items()
        if not isinstance(value, list)
    ]
    return section(
        "Measures",
        table(["set", "samples", "measure", "before", "after", "better", "worse", ""], rows),
        table(["set", "measure", "before", "after"], others) if others else "",
    )


def confusions_section(record: dict) -> str:
    names = record.get("data", {}).get("classes", [])
    parts = []
    for name, one in sets_of(record).items():
        tables = [
            f"<div><h3>{escape(f'{name}, {when}')}</h3>{_confusion(one[when]['confusion'], names)}"
            "</div>" for when in ("before", "after") if one.get(when, {}).get("confusion")
        ]
        parts += [f'<div class="side">{"".join(tables)}</div>'] if tables else []
    note = paragraph("Rows: what the samples are. Columns: what they were taken for.")
    return section("Confusion", note, *parts) if parts else ""


def changed_section(predictions: Mapping[str, Samples], classes: Sequence[str]) -> str:
    parts = [_changed(name, one, classes) for name, one in predictions.items()]
    return section("Samples that changed", *parts)


def _changed(name: str, samples: Samples, classes: Sequence[str]) -> str:
    before, after = samples.losses_before, samples.losses_after
    rows = np.flatnonzero(before != after)
    won, lost = int((after < before).sum()), int((after > before).sum())
    order = rows[np.argsort(before[rows] - after[rows], kind="stable")][:MOST_CHANGED]
    text = f"{name}: of {len(before):,} samples {won:,} are better than before, {lost:,} worse."
    if len(rows) > MOST_CHANGED:
        text += f" The {MOST_CHANGED} that lost most are listed."
    if not len(rows):
        return paragraph(text)
    if samples.targets is None:
        headers = ["sample", "loss before", "loss after"]
        listed = [[int(i), float(before[i]), float(after[i])] for i in order]
    else:
        headers = ["sample", "is", "before", "after", ""]
        listed = [
            [str(i), *(_class(int(values[i]), classes) for values in (
                samples.targets, samples.predictions_before, samples.predictions_after,
            )), "worse" if after[i] > before[i] else "better"] for i in order
        ]
    return f"{paragraph(text)}<details><summary>Which</summary>{table(headers, listed)}</details>"


def _class(number: int, names: Sequence[str]) -> str:
    return names[number] if number < len(names) else str(number)


def _confusion(counts: list[list[int]], names: Sequence[str]) -> str:
    """Cells are the darker the larger their share of the row is."""
    if len(counts) > MOST_CLASSES:
        return _pairs(counts, names)
    called = [_class(i, names) for i in range(len(counts))]
    head = "".join(f'<th class="n">{escape(name)}</th>' for name in called)
    body = "".join(
        f"<tr><th>{escape(called[i])}</th>" + "".join(_cell(n, sum(row), i == j)
                                                      for j, n in enumerate(row)) + "</tr>"
        for i, row in enumerate(counts)
    )
    return f"<table><tr><th></th>{head}</tr>{body}</table>"


def _cell(count: int, total: int, right: bool) -> str:
    if not count:
        return '<td class="n"></td>'
    color = "102,161,130" if right else "209,73,91"
    return f'<td class="n" style="background:rgba({color},{count / total:.2f})">{count}</td>'


def _pairs(counts: list[list[int]], names: Sequence[str]) -> str:
    pairs = [(n, i, j) for i, row in enumerate(counts) for j, n in enumerate(row) if i != j and n]
    pairs.sort(key=lambda pair: (-pair[0], pair[1:]))
    return table(
        ["is", "taken for", "times"],
        [[_class(i, names), _class(j, names), n] for n, i, j in pairs[:MOST_PAIRS]],
    )


def _shown(measure: dict | None) -> str | None:
    if measure is None:
        return None
    found = Measure(measure["name"], measure["value"], measure["higher_is_better"])
    return found.shown + (f" ({measure['reason']})" if measure.get("reason") else "")


def _number(value) -> str | float | None:
    return None if value is None else round(float(value), 4)
