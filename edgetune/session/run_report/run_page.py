"""The page of a run: its sections in their order."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from edgetune.errors import EdgetuneError
from edgetune.pages.page import code, page, paragraph, section, table
from edgetune.session.further import FELL
from edgetune.session.predictions import read_predictions
from edgetune.session.run_folder import DONE, LOG, PREDICTIONS, RUNNING, record_of
from edgetune.session.run_report.costs import costs_section, link_section
from edgetune.session.run_report.learning import curve_section, layers_section
from edgetune.session.run_report.log import RunLog
from edgetune.session.run_report.sets import (
    changed_section,
    confusions_section,
    measures_section,
)

REFRESH = 2  # seconds, of the page of a run under way


def run_page(folder: Path, log: RunLog | None = None, live: bool = False) -> str:
    """The page of the run in ``folder``.

    Args:
        log: its log, where it has been read before.
        live: the page asks for itself again as long as the run goes on.
    """
    record = record_of(folder)
    log = log or RunLog(folder / LOG, record.get("target", ""))
    log.update()
    predictions = {}
    with suppress(EdgetuneError):
        predictions = read_predictions(folder / PREDICTIONS)
    going = record.get("status") == RUNNING
    return page(
        f"Run {folder.absolute().name}", filter(None, [
            _head(record, log), measures_section(record), curve_section(log),
            confusions_section(record),
            changed_section(predictions, record.get("data", {}).get("classes", [])),
            layers_section(record, log), costs_section(record), link_section(record),
            _again(record),
        ]), refresh=REFRESH if live and going else None,
    )


def _head(record: dict, log: RunLog) -> str:
    model = record.get("model", {}).get("file") or "A model"
    status = record.get("status", "unknown")
    result, guard = record.get("result", {}), record.get("guard", {})
    words = {DONE: f"done, {result.get('steps', log.steps):,} steps",
             RUNNING: f"under way, {log.steps:,} steps so far"}
    parts = [paragraph(
        f"{model} on {record.get('board', 'no board yet')}, device "
        f"{record.get('device', 'unknown')}: "
        f"{words.get(status, f'{status} after {log.steps:,} steps')}.", "status",
    )]
    if when := " to ".join(filter(None, (record.get("begun"), record.get("ended")))):
        parts.append(paragraph(when))
    if error := record.get("error"):
        parts += [paragraph(error[key], "warning") for key in ("message", "cause", "next_step")
                  if error.get(key)]
    parts += [
        paragraph(
            f"Forgotten: {name} fell, {one['lost']:,} of {one['samples']:,} samples are worse than "
            f"before and {one['won']:,} better (warned of beyond {FELL:g} standard error).",
            "warning",
        ) for name, one in result.get("also", {}).items() if one["fell"]
    ]
    if result:
        parts.append(paragraph(
            "The device equalled the simulation bit for bit in all its steps "
            f"(digest {result['digest']})." if result["verified"] else
            f"Not compared with the simulation (digest {result['digest']})."
        ))
    if result.get("file_fault"):
        parts.append(paragraph(f"The tuned file: {result['file_fault']}", "warning"))
    return "\n".join([*parts, *_guard(guard)])


def _guard(guard: dict) -> list[str]:
    if not guard:
        return []
    kept = {"start": "LEARNING DID NOT HELP: the run ended with the weights that it began with",
            "best": f"The run ended with the weights of step {guard['step']:,}, the best",
            "last": "The last weights were kept"}[guard["kept"]]
    falls = [
        f"After {fall['step']:,} steps {fall['found']}, where the weights of step "
        f"{fall['back_to']:,} had {fall['against']}: back to these." for fall in guard["falls"]
    ]
    words = [f"Guard ({guard['kind']}): {kept}. {guard['reason']}".strip(), *guard["notes"], *falls]
    return [paragraph(text) for text in [*words, guard["advice"]] if text]


def _again(record: dict) -> str:
    settings = {**record.get("settings", {}), **record.get("recipe", {})}
    rows = [[name, json.dumps(value)] for name, value in settings.items()]
    files = [["the int8 model", record.get("model", {}).get("sha256")],
             *record.get("files", {}).items()]
    return section(
        "To run it again",
        code(record["command"]) if "command" in record else paragraph(
            "It was begun from Python, on arrays or on firmware that was built before, with what "
            "the settings say."
        ),
        table(["file", "SHA-256"], [[name, value or "too large"] for name, value in files]),
        table(["made with", ""], [[k, v] for k, v in record.get("versions", {}).items()])
        if "versions" in record else "",
        f"<details><summary>Settings</summary>{table(['setting', 'value'], rows)}</details>",
    )
