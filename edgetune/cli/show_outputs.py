"""The outputs of a model that has several, and what each would be if it were chosen."""

from __future__ import annotations

from edgetune.cli.printer import Printer
from edgetune.cli.show_plan import end_of
from edgetune.errors import EdgetuneError, ModelError
from edgetune.learn.lower import lower
from edgetune.model.inspect import describe
from edgetune.model.outputs import End, SeveralOutputs
from edgetune.session.preview import preview

HEADERS = ["output", "name", "shape", "learns", "operators", "weights", "MACs"]


def show_outputs(printer: Printer, model: str, error: SeveralOutputs) -> ModelError:
    """A line an output, and the reasons of those that cannot be used; the error to end with."""
    outputs = [_facts(model, number, end) for number, end in enumerate(error.ends)]
    printer.result = {"model": model, "outputs": outputs}
    printer.text(f"{model} has {len(outputs)} outputs:")
    printer.text()
    printer.table(HEADERS, [_row(facts) for facts in outputs])
    for facts in outputs:
        if problem := facts["problem"]:
            printer.text()
            printer.text(f"Output {facts['number']} cannot be used: {problem['message']}")
            printer.text(problem["cause"])
    return ModelError(
        error.message, "What each would be stands above, without what only others need.",
        f"Choose one by its name or number: edgetune inspect {model} --output NAME, and likewise "
        "plan and tune.",
    )


def _facts(model: str, number: int, end: End) -> dict:
    """What an output would be; ``problem`` is the error where it cannot be used."""
    facts: dict = {"number": number, "name": end.name, "shape": list(end.shape),
                   "learns": end.learns, "totals": None, "problem": None}
    try:
        seen = preview(model, number)
        if seen.problem:
            raise seen.problem
        assert seen.graph is not None
        facts["learns"] = end_of(lower(seen.graph))
        facts["totals"] = describe(seen.graph)["totals"]
    except EdgetuneError as error:
        facts["problem"] = error.as_dict()
    return facts


def _row(facts: dict) -> list:
    totals = facts["totals"] or dict.fromkeys(("operators", "weights", "macs"))
    shape = "x".join(map(str, facts["shape"]))
    return [str(facts["number"]), facts["name"], shape, facts["learns"] or None,
            totals["operators"], totals["weights"], totals["macs"]]
