"""``edgetune eval``: what a device is worth on the test set, and on further ones."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from edgetune.cli.options import (
    also_option,
    data_options,
    flash_option,
    job_options,
    min_accuracy_option,
)
from edgetune.cli.printer import Printer
from edgetune.cli.verb import verb
from edgetune.data import Dataset
from edgetune.learn.losses import CLASS
from edgetune.measures.measure import Measure
from edgetune.session.connection import connect
from edgetune.session.evaluation import (
    check_accuracy,
    measure,
    outputs_of,
    refuse_without_accuracy,
)
from edgetune.session.job import Job

Found = tuple[np.ndarray, Measure]  # the outputs for a set, and what they are worth


@verb("eval")
@job_options
@flash_option
@partial(data_options, required=False)
@also_option
@min_accuracy_option
def command(printer: Printer, job: Job, min_accuracy: float | None):
    """Accuracy, or another measure, of MODEL, tuned or not, on a device and the test set.

    Without --split, data that have no test set are the test set, all of them; --test-data may
    stand alone. A board on a serial port is asked with the weights that it holds at the moment.
    """
    job = job.to_evaluate()
    refuse_without_accuracy(job.plan.program.loss, min_accuracy)
    data, also = job.data, job.also
    device, firmware = job.device, job.firmware()
    found = {}
    with connect(firmware, device, printer.reporter) as client:
        for name, one in {"test set": data, **also}.items():
            outputs = outputs_of(client, one, printer.reporter, name)
            found[name] = outputs, measure(job.plan.program, outputs, one)
    first, worth = found.pop("test set")
    printer.result = _facts(device, data, first, worth) | {
        "also": {name: _set_facts(also[name], *one) for name, one in found.items()},
        "warnings": data.warnings,
    }
    _show(printer, device, data, worth, printer.result)
    _show_also(printer, (len(first), worth), found)
    check_accuracy(worth, min_accuracy)


def _facts(device: str, data: Dataset, outputs: np.ndarray, found: Measure) -> dict:
    return {"device": device} | _set_facts(data, outputs, found)


def _set_facts(data: Dataset, outputs: np.ndarray, found: Measure) -> dict:
    facts = {"accuracy": found.accuracy, "count": len(outputs), "measure": found.as_dict()}
    if data.targets.kind != CLASS:
        return facts
    predictions = outputs.argmax(axis=1)
    return facts | {
        "right": int((predictions == data.test_y).sum()), "predictions": predictions.tolist(),
    }


def _show(printer: Printer, device: str, data: Dataset, found: Measure, facts: dict):
    if "right" in facts:
        printer.text(
            f"Accuracy on {device}: {found.shown} ({facts['right']} of {facts['count']})."
        )
    else:
        printer.text(f"On {device}, {facts['count']} test samples: {found.text}.")
    if table := found.table(data.classes):
        printer.table(*table)


def _show_also(printer: Printer, test: tuple[int, Measure], found: Mapping[str, Found]):
    """The sets side by side, where there are further ones."""
    if found:
        others = [[name, len(outputs), worth.shown] for name, (outputs, worth) in found.items()]
        printer.text()
        printer.table(
            ["set", "samples", test[1].name], [["test", test[0], test[1].shown], *others]
        )
