"""``edgetune eval``: accuracy of a device on the test set."""

from __future__ import annotations

from edgetune.cli.options import data_options, flash_option, job_options, min_accuracy_option
from edgetune.cli.printer import Printer
from edgetune.cli.verb import verb
from edgetune.session.connection import connect
from edgetune.session.evaluation import accuracy, check_accuracy, predict
from edgetune.session.job import Job


@verb("eval")
@job_options
@flash_option
@data_options
@min_accuracy_option
def command(printer: Printer, job: Job, min_accuracy: float | None):
    """Accuracy of MODEL, tuned or not, on a device and the test set of the data.

    A board on a serial port is asked with the weights that it holds at the moment.
    """
    samples = job.data
    device, firmware = job.device, job.firmware()
    with connect(firmware, device, printer.reporter) as client:
        predictions = predict(
            client, samples.test_x, samples.test_y, printer.reporter, "test set"
        )
    share = accuracy(predictions, samples.test_y)
    right, count = int((predictions == samples.test_y).sum()), len(predictions)
    printer.result = {
        "device": device, "accuracy": share, "right": right, "count": count,
        "predictions": predictions.tolist(),
    }
    printer.text(f"Accuracy on {device}: {100 * share:.1f} % ({right} of {count}).")
    check_accuracy(share, min_accuracy)
