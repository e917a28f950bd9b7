"""What a run made of each set that was measured before and after it, as text."""

from __future__ import annotations

from edgetune.cli.printer import Printer
from edgetune.session.record import TuneResult

HEADERS = ["set", "samples", "before", "after", "better", "worse"]


def show_sets(printer: Printer, result: TuneResult) -> None:
    """The sets side by side where there are further ones, and a warning for each that fell."""
    if not result.also:
        return
    printer.table([*HEADERS[:2], f"{result.after.name} {HEADERS[2]}", *HEADERS[3:]], [
        [one.name, one.samples, one.before.shown, one.after.shown, one.won, one.lost]
        for one in result.sets
    ])
    for warning in result.warnings:
        printer.warning(warning)
