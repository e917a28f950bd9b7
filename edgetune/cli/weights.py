"""``edgetune weights``: trained weights to and from a device, and what training changed."""

from __future__ import annotations

from dataclasses import asdict

import click

from edgetune.cli.options import (
    flash_option,
    inputs_option,
    job_options,
    model_argument,
    output_option,
)
from edgetune.cli.printer import Printer
from edgetune.cli.stored_weights import (
    commit_command,
    confirm_command,
    rollback_command,
    status_command,
)
from edgetune.cli.verb import verb
from edgetune.device import is_launched
from edgetune.errors import ModelError
from edgetune.files import check_regular, save_atomically
from edgetune.model.read import read_tflite
from edgetune.session.connection import connect
from edgetune.session.job import Job
from edgetune.session.weights import LayerDifference, diff, pull, push


@click.group("weights")
def command():
    """Pull trained weights from a device, push them, keep them in its flash, and compare model
    files.

    MODEL is the file that the device's firmware was built from.
    """


@verb("pull")
@job_options
@click.argument("tuned", type=click.Path())
def pull_command(printer: Printer, job: Job, tuned: str):
    """Write TUNED: MODEL with the weights that the device holds now."""
    device, firmware = job.device, job.firmware()
    with connect(firmware, device, printer.reporter) as client:
        content, digest = pull(client, job.plan), client.digest(full=True)
    save_atomically(tuned, content)
    printer.result = {"device": device, "tuned": tuned, "digest": f"{digest:08x}"}
    printer.text(f"{tuned} holds the weights of {device} (digest {digest:08x}).")


@verb("push")
@job_options
@flash_option
@click.argument("tuned", type=click.Path())
def push_command(printer: Printer, job: Job, tuned: str):
    """Give the device the weights of TUNED, a tuned version of MODEL."""
    content = _content(tuned)
    device, firmware = job.device, job.firmware()
    with connect(firmware, device, printer.reporter) as client:
        digest = push(client, job.plan, content)
    printer.result = {"device": device, "tuned": tuned, "digest": f"{digest:08x}"}
    if is_launched(device):
        printer.text(
            f"{device} took the weights of {tuned} and gave the digest {digest:08x}. It has ended "
            "with this command: only a board keeps what it is given."
        )
        return
    printer.text(f"{device} holds the weights of {tuned} (digest {digest:08x}).")


@verb("diff")
@model_argument
@output_option
@click.argument("tuned", type=click.Path())
@inputs_option
def diff_command(
    printer: Printer, model: str, tuned: str, output: str | None, inputs: tuple[str, ...]
):
    """What differs between MODEL and TUNED, layer by layer."""
    rows = diff(read_tflite(model, output, inputs=inputs), read_tflite(tuned, output))
    printer.result = {"model": model, "tuned": tuned, "layers": [asdict(row) for row in rows]}
    printer.table(
        ["layer", "weights", "changed", "largest", "mean", "biases changed"],
        [_row(row) for row in rows],
    )
    printer.text("largest and mean: steps of the int8 weights that changed")


for _verb in (
    pull_command, push_command, diff_command,
    status_command, commit_command, confirm_command, rollback_command,
):
    command.add_command(_verb)


def _row(row: LayerDifference) -> list:
    mean = round(row.mean, 2)
    return [row.layer, row.weights, row.changed_weights, row.largest, mean, row.changed_biases]


def _content(path: str) -> bytes:
    try:
        return check_regular(path).read_bytes()
    except OSError as error:
        raise ModelError(
            "The tuned model cannot be read.", f"{error.strerror}: {path}", "Check the path."
        ) from None
