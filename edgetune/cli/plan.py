"""``edgetune plan``: does it fit, and what does a step cost?"""

from __future__ import annotations

from edgetune.cli.options import job_options
from edgetune.cli.printer import Printer
from edgetune.cli.show_plan import plan_facts, show_plan
from edgetune.cli.verb import verb
from edgetune.session.job import Job


@verb("plan")
@job_options
def command(printer: Printer, job: Job):
    """Where MODEL's every byte would lie on a board, and what a step would cost.

    Nothing is built. A model that does not fit is refused, with the layers that cost most.
    """
    printer.result = {"model": job.model} | plan_facts(job.estimate)
    show_plan(printer, job.estimate)
    job.check_fit()
