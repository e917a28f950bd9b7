"""The runs that there are: found by name, told in short, and one held against another."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from edgetune.errors import UsageError
from edgetune.measures.measure import Measure
from edgetune.session.predictions import Samples, read_predictions
from edgetune.session.run_folder import (
    PREDICTIONS,
    RECORD,
    RUNNING,
    is_live,
    record_of,
    runs_below,
)
from edgetune.session.run_report.sets import sets_of

EXACT = 5000  # discordant samples up to which McNemar's test is the exact one
COSTS = ("ram_bytes", "flash_bytes", "step_instructions", "forward_instructions")


def find_run(name: str, parent: Path) -> Path:
    """The folder of a run: its path, its number below ``parent``, or "last".

    Raises:
        UsageError: there is none.
    """
    below = runs_below(parent)
    if name == "last" and below:
        return below[-1]
    if name.isdigit():
        found = [path for path in below if int(path.name.partition("-")[0]) == int(name)]
        if found:
            return found[-1]
    if (Path(name) / RECORD).is_file():
        return Path(name)
    raise UsageError(
        f"There is no run {name}.", f"It is no folder with a {RECORD}, and no number of one below "
        f"{parent}.", "See edgetune runs list",
    )


def summary(folder: Path) -> dict:
    """What ran, when, and what came out, for JSON."""
    record = record_of(folder)
    result, guard = record.get("result") or {}, record.get("guard") or {}
    status = record.get("status", "unknown")
    if status == RUNNING and not is_live(folder):
        status = "broken off"
    return {
        "folder": str(folder), "status": status, "begun": record.get("begun"),
        "ended": record.get("ended"), "model": record.get("model", {}).get("file"),
        "board": record.get("board"), "device": record.get("device"),
        "steps": result.get("steps"),
        "sets": {
            name: {when: one.get(when) for when in ("before", "after")}
            for name, one in sets_of(record).items()
        },
        "digest": result.get("digest"), "verified": result.get("verified"),
        "guard": guard.get("kept"), "error": (record.get("error") or {}).get("message"),
    }


def shown_measure(found: dict | None) -> str | None:
    """As the terminal shows a measure of run.json."""
    if found is None:
        return None
    return Measure(found["name"], found["value"], found["higher_is_better"]).shown


def compare_runs(one: Path, other: Path) -> dict:
    """Two runs side by side, for JSON.

    ``settings``: what differs, [first, second].  ``sets``: each set's measures, [first, second],
    and of the sets that both measured, on the same samples, how many the second has ``won`` and
    ``lost`` against the first, with the two-sided ``p`` of McNemar's test.  ``costs``: [first,
    second].

    Raises:
        DataError: predictions that are damaged.
    """
    records = [record_of(path) for path in (one, other)]
    samples = [read_predictions(path / PREDICTIONS) for path in (one, other)]
    sets = [sets_of(record) for record in records]
    names = list(dict.fromkeys([*sets[0], *sets[1]]))
    return {
        "runs": [summary(path) for path in (one, other)],
        "settings": _different(*map(_settings, records)),
        "sets": {
            name: {
                when: [found.get(name, {}).get(when) for found in sets]
                for when in ("before", "after")
            } | _contest(*(found.get(name) for found in samples)) for name in names
        },
        "costs": {
            name: values for name, values in _costs(records).items() if any(
                value is not None for value in values
            )
        },
    }


def _settings(record: dict) -> dict:
    """All that was chosen, flat."""
    model, data = record.get("model", {}), record.get("data", {})
    return {
        "model": model.get("file"), "model sha256": model.get("sha256"),
        "loss": record.get("loss"), "board": record.get("board"), "device": record.get("device"),
        "split": data.get("split"), "preprocessing": data.get("preprocessing"),
        "samples": data.get("samples"), **record.get("recipe", {}), **record.get("settings", {}),
        **{f"{name} version": version for name, version in record.get("versions", {}).items()},
    }


def _different(ours: dict, theirs: dict) -> dict[str, list]:
    names = dict.fromkeys([*ours, *theirs])
    return {name: [ours.get(name), theirs.get(name)] for name in names
            if ours.get(name) != theirs.get(name)}


def _contest(ours: Samples | None, theirs: Samples | None) -> dict:
    if ours is None or theirs is None or not _same(ours, theirs):
        return {"won": None, "lost": None, "p": None}
    won = int((theirs.losses_after < ours.losses_after).sum())
    lost = int((theirs.losses_after > ours.losses_after).sum())
    return {"won": won, "lost": lost, "p": mcnemar(won, lost)}


def _same(ours: Samples, theirs: Samples) -> bool:
    """Whether they can be the same samples."""
    if len(ours.losses_after) != len(theirs.losses_after):
        return False
    if (ours.targets is None) != (theirs.targets is None):
        return False
    return ours.targets is None or np.array_equal(ours.targets, theirs.targets)


def mcnemar(won: int, lost: int) -> float:
    """The two-sided probability of so uneven a contest between equals: exact, by the binomial
    (McNemar, Psychometrika 12, 1947), of more than `EXACT` samples by the normal distribution."""
    count, less = won + lost, min(won, lost)
    if count > EXACT:
        z = max(abs(won - lost) - 1, 0) / math.sqrt(count)
        return math.erfc(z / math.sqrt(2))
    ways = sum(math.comb(count, k) for k in range(less + 1))
    return min(1.0, 2 * ways / 2**count)


def _costs(records: list[dict]) -> dict[str, list]:
    plans = [record.get("plan", {}).get("cost", {}) for record in records]
    results = [record.get("result") or {} for record in records]
    links = [record.get("link", {}) for record in records]
    return {
        **{name: [plan.get(name) for plan in plans] for name in COSTS},
        **{name: [result.get(name) for result in results]
           for name in ("steps", "stack_used", "executed_instructions")},
        **{name: [link.get(name) for link in links] for name in ("bytes_sent", "bytes_received")},
    }
