"""``edgetune plan``: does it fit, and what does a step cost?"""

from __future__ import annotations

import click

from edgetune.cli.options import job_options
from edgetune.cli.printer import Printer
from edgetune.cli.show_plan import guard_facts, plan_facts, show_plan
from edgetune.cli.verb import verb
from edgetune.guard.choice import LEAST_HELD, MOST_HELD
from edgetune.session.job import Job


@verb("plan")
@job_options
@click.option("--steps", type=click.IntRange(1), default=1000, show_default=True,
              help="Of the run whose guard is planned.")
@click.option("--held-out", type=click.IntRange(LEAST_HELD, MOST_HELD), metavar="SAMPLES",
              help="How many samples the guard judges by; without it by the running error.")
def command(printer: Printer, job: Job, steps: int, held_out: int | None):
    """Where MODEL's every byte would lie on a board, and what a step would cost.

    Nothing is built. A model that does not fit is refused, with the layers that cost most.
    """
    guard = guard_facts(job.estimate, steps, held_out)
    printer.result = {"model": job.model} | plan_facts(job.estimate, job.prices) | {"guard": guard}
    show_plan(printer, job.estimate, guard, job.prices)
    job.check_fit()
