"""``edgetune runs``: the runs that there are, one of them, two side by side."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edgetune.cli.printer import Printer
from edgetune.cli.verb import verb
from edgetune.session.job import RUNS
from edgetune.session.run_folder import LOG, REPORT, record_of, runs_below
from edgetune.session.run_report.log import RunLog
from edgetune.session.runs import compare_runs, find_run, shown_measure, summary

WHEN = len("2026-01-01T00:00")
below_option = click.option(
    "--in", "parent", type=click.Path(path_type=Path), default=RUNS, show_default=True,
    metavar="FOLDER", help="Where the numbered runs are.",
)


@click.group()
def command():
    """The runs of tune: a list, one of them, two side by side."""


@verb("list")
@below_option
def list_command(printer: Printer, parent: Path):
    """What ran, when, and what came out."""
    found = [summary(path) for path in runs_below(parent)]
    printer.result = {"runs": found}
    if not found:
        printer.text(f"There are no runs below {parent}.")
        return
    printer.table(
        ["run", "begun", "status", "device", "measure", "before", "after", "guard", "digest"],
        [_row(one) for one in found],
    )


def _row(one: dict) -> list:
    test = one["sets"].get("test", {})
    begun = one["begun"] and one["begun"][:WHEN].replace("T", " ")
    return [
        Path(one["folder"]).name, begun, one["status"], one["device"],
        (test.get("before") or {}).get("name"), *(shown_measure(test.get(w)) for w in
                                                  ("before", "after")),
        one["guard"], one["digest"],
    ]


@verb("show")
@click.argument("run")
@below_option
def show_command(printer: Printer, run: str, parent: Path):
    """One RUN: its folder, its number, or last."""
    folder = find_run(run, parent)
    record, facts = record_of(folder), summary(folder)
    log = RunLog(folder / LOG, record.get("target", ""))
    log.update()
    printer.result = facts | {
        "logged_steps": log.steps, "settings": record.get("settings"),
        "recipe": record.get("recipe"), "command": record.get("command"),
        "report": str(folder / REPORT) if (folder / REPORT).is_file() else None,
    }
    for name in ("folder", "status", "begun", "ended", "model", "board", "device", "error"):
        if facts[name]:
            printer.wrapped(f"{name}: {facts[name]}", len(name) + 2)
    printer.text(f"steps: {log.steps:,}")
    if facts["sets"]:
        printer.table(["set", "measure", "before", "after"], [
            [name, (one["before"] or {}).get("name"), shown_measure(one["before"]),
             shown_measure(one["after"])] for name, one in facts["sets"].items()
        ])
    if facts["digest"]:
        verified = "equal to the simulation" if facts["verified"] else "not compared"
        printer.text(f"digest: {facts['digest']}, {verified}; guard: kept {facts['guard']}")
    if printer.result["command"]:
        printer.wrapped(f"again: {printer.result['command']}", len("again: "))
    if printer.result["report"]:
        printer.text(f"report: {printer.result['report']}")


@verb("compare")
@click.argument("one")
@click.argument("other")
@below_option
def compare_command(printer: Printer, one: str, other: str, parent: Path):
    """Two runs side by side: settings that differ, measures, samples won and lost, costs.

    Won and lost: samples that the second run ends right with and the first does not, and the
    other way round; p: how likely so uneven a count is between equals (McNemar's test).
    """
    names = [find_run(name, parent) for name in (one, other)]
    facts = printer.result = compare_runs(*names)
    first, second = (path.name for path in names)
    if facts["settings"]:
        printer.table(["setting", first, second], [
            [name, *map(_value, values)] for name, values in facts["settings"].items()
        ])
    else:
        printer.text("All settings are the same.")
    printer.text()
    printer.table(["set", "measure", f"{first} before", "after", f"{second} before", "after"], [
        [name, *_measures(found)] for name, found in facts["sets"].items()
    ])
    for name, found in facts["sets"].items():
        if found["p"] is not None:
            printer.wrapped(
                f"{name}: {second} has won {found['won']:,} samples and lost {found['lost']:,} "
                f"against {first} (McNemar, p = {found['p']:.2g}).", 2,
            )
    printer.text()
    printer.table(["cost", first, second], [
        [name.replace("_", " "), *values] for name, values in facts["costs"].items()
    ])


def _measures(found: dict) -> list:
    names = [one["name"] for one in (*found["before"], *found["after"]) if one]
    pairs = zip(found["before"], found["after"])
    return [names[0] if names else None, *(shown_measure(one) for pair in pairs for one in pair)]


def _value(value) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


for one in (list_command, show_command, compare_command):
    command.add_command(one)
