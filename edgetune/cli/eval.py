"""``edgetune eval``: what a device is worth on the test set."""

from __future__ import annotations

import numpy as np

from edgetune.cli.options import data_options, flash_option, job_options, min_accuracy_option
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


@verb("eval")
@job_options
@flash_option
@data_options
@min_accuracy_option
def command(printer: Printer, job: Job, min_accuracy: float | None):
    """Accuracy, or another measure, of MODEL, tuned or not, on a device and the test set.

    A board on a serial port is asked with the weights that it holds at the moment.
    """
    refuse_without_accuracy(job.plan.program.loss, min_accuracy)
    data = job.data
    device, firmware = job.device, job.firmware()
    with connect(firmware, device, printer.reporter) as client:
        outputs = outputs_of(client, data, printer.reporter, "test set")
    found = measure(job.plan.program, outputs, data)
    printer.result = _facts(device, data, outputs, found)
    _show(printer, device, data, found, printer.result)
    check_accuracy(found, min_accuracy)


def _facts(device: str, data: Dataset, outputs: np.ndarray, found: Measure) -> dict:
    facts = {
        "device": device, "accuracy": found.accuracy, "count": len(outputs),
        "measure": found.as_dict(),
    }
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
