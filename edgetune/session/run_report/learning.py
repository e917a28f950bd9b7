"""The report's learning curve, and what the run spent on each layer."""

from __future__ import annotations

from edgetune.pages.charts import lines, stacked_bars
from edgetune.pages.page import figure, paragraph, section, table
from edgetune.session.reporter import WINDOW
from edgetune.session.run_report.log import Points, RunLog

TABLE_ROWS = 50  # of a curve's table


def curve_section(log: RunLog) -> str:
    if not log.steps:
        return section("Learning", paragraph("No step was logged."))
    drawn = (
        f"drawn every {log.every:,} steps and at the last of {log.steps:,}" if log.every > 1
        else f"drawn at every one of {log.steps:,} steps"
    )
    parts = []
    if log.accuracy:
        parts.append(_curve(
            "Running accuracy", log.accuracy, f"Share of right predictions over the last {WINDOW} "
            f"steps, each made before its own update; {drawn}.", 0.0, 1.0,
        ))
    parts.append(_curve(
        "Running loss", log.loss, f"Mean over the last {WINDOW} steps of the {log.loss_name}, "
        f"each before its own update; {drawn}.",
    ))
    return section("Learning", *parts)


def _curve(
    name: str, points: Points, caption: str, low: float | None = None, high: float | None = None
) -> str:
    every = -(-len(points) // TABLE_ROWS)
    shown = points[::-1][::every][::-1]  # the last one always
    return figure(
        lines(name, {name.lower(): points}, "step", low, high), caption, ["step", name.lower()],
        [[step, round(value, 4)] for step, value in shown],
    )


def layers_section(record: dict, log: RunLog) -> str:
    """Draws, saturations and what changed, for each trained layer."""
    names = record.get("trained", [])
    return section("Layers", _draws(names, log), _changes(record.get("layers", [])))


def _draws(names: list[str], log: RunLog) -> str:
    if not names:
        return paragraph("No layer is trained.")
    if len(log.draws) != len(names):
        return paragraph(
            "Draws of each layer are counted by the simulation, which did not run along."
        )
    rows = [
        [name, draws, draws / log.steps, held] for name, draws, held
        in zip(names, log.draws, log.held)
    ]
    return figure(
        stacked_bars("Draws of each layer", names, {"draws": log.draws}, "draws"),
        f"Draws: single steps of single weights, over all {log.steps:,} steps, as the simulation "
        "that ran along made them. Held: weights and biases that a step would have taken beyond "
        "their bound.",
        ["layer", "draws", "a step", "held at the bound"], rows,
    )


def _changes(rows: list[dict]) -> str:
    if not rows:
        return ""
    return paragraph(
        "What training changed, from the first weights to those that the run ended with; in "
        "steps of a weight (of 1/127 of the largest that a channel can have), and of a bias."
    ) + table(
        ["layer", "weights", "changed", "%", "mean change", "largest", "at the bound",
         "biases changed", "largest"],
        [[row["layer"], row["weights"], row["changed"],
          round(100 * row["changed"] / max(row["weights"], 1), 1), row["mean"], row["largest"],
          row["at_bound"], row["biases_changed"], row["largest_bias"]] for row in rows],
    )
