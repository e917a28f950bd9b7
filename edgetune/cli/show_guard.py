"""What became of the guard of a run, as text."""

from __future__ import annotations

from collections.abc import Sequence

from edgetune.cli.printer import Printer
from edgetune.guard import NONE, RUNNING, Outcome, Rectified
from edgetune.guard.base import LAST, START, Fall

HANGING = len("Guard: ")
_NAMES = {RUNNING: "by the running error", "held-out": "by held-out samples"}


def show_guard(printer: Printer, outcome: Outcome) -> None:
    """Which weights the run ended with, why, and what it cost to know."""
    if outcome.kind == NONE:
        return
    for line in guard_words(outcome):
        printer.wrapped(f"Guard: {line}", HANGING)


def guard_words(outcome: Outcome) -> list[str]:
    """Sentences: the notes, the ways back, the outcome, what to do, the cost."""
    lines = [*outcome.notes, *map(_fall_words, outcome.falls)]
    if outcome.stopped:
        lines.append("The run was ended there: learning did harm again and again.")
    reason = f" {outcome.reason}." if outcome.reason else ""
    lines.append(f"{_kept_words(outcome)} ({_NAMES[outcome.kind]}).{reason}")
    lines += [outcome.advice] if outcome.advice else []
    cost = outcome.cost
    return [*lines, (
        f"It took {cost.forward_passes:,} forward passes and {cost.link_bytes:,} bytes on the "
        "link, no RAM of the device."
    )]


def show_rectifiers(
    printer: Printer, rectifiers: Sequence[Rectified], outcome: Outcome
) -> None:
    """The layers that lost a large part of their live channels."""
    for line in rectifier_words(rectifiers, outcome):
        printer.wrapped(f"Warning: {line}", len("Warning: "))


def rectifier_words(rectifiers: Sequence[Rectified], outcome: Outcome) -> list[str]:
    """A sentence for each such layer, and what to do."""
    fallen = [layer for layer in rectifiers if layer.fell]
    if not fallen:
        return []
    meanwhile = outcome.kept != LAST or outcome.falls
    whose = "of weights learnt meanwhile " if meanwhile else ""
    lines = [
        f"Layer {layer.layer}: {whose}{layer.after} of {layer.channels} channels answer, "
        f"{layer.before} did at the start."
        for layer in fallen
    ]
    return [*lines, (
        "What does not answer learns no more: take a lower --rate, or look at labels and sensor."
    )]


def _kept_words(outcome: Outcome) -> str:
    if outcome.kept == START:
        return "LEARNING DID NOT HELP: the run ends with the weights that it began with"
    if outcome.kept == LAST:
        return "The last weights are kept"
    return f"The run ends with the weights of step {outcome.step:,}, the best"


def _fall_words(fall: Fall) -> str:
    return (
        f"After {fall.step:,} steps {fall.found}, where the weights of step {fall.back_to:,} had "
        f"{fall.against}: back to these."
    )
