"""``edgetune verify``: the device equals the simulation, bit for bit."""

from __future__ import annotations

import click

from edgetune.cli.options import data_options, flash_option, job_options, seed_option
from edgetune.cli.printer import Printer
from edgetune.cli.verb import verb
from edgetune.session.job import Job
from edgetune.session.verification import verify


@verb("verify")
@job_options
@flash_option
@data_options
@seed_option
@click.option("--steps", type=click.IntRange(1), default=200, show_default=True,
              help="Training steps to compare.")
@click.option("--forward", type=click.IntRange(0), default=50, show_default=True,
              help="Test samples whose outputs are compared first.")
def command(printer: Printer, job: Job, seed: int, steps: int, forward: int):
    """Compare a device with the simulation after every training step.

    The digest is recomputed from the device's memory each time. The first difference ends it
    with exit code 6 and the names of the layers that differ.
    """
    samples = job.data
    device, firmware = job.device, job.firmware()
    result = verify(firmware, device, samples, steps, seed, forward, printer.reporter)
    printer.result = {
        "device": device, "forward": result.forward, "steps": result.steps,
        "digest": f"{result.digest:08x}", "digests": [f"{d:08x}" for d in result.digests],
    }
    printer.text(
        f"{device} equals the simulation: every output byte of {result.forward} samples, and "
        f"every bit of the state after each of {result.steps:,} steps "
        f"(digest {result.digest:08x})."
    )
