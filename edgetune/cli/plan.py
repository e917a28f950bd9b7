"""``edgetune plan``: does it fit, and what does a step cost?"""

from __future__ import annotations

import click

from edgetune.cli.options import job_options, numbers
from edgetune.cli.printer import Printer
from edgetune.cli.show_plan import guard_facts, plan_facts, show_plan
from edgetune.cli.verb import verb
from edgetune.guard.choice import LEAST_HELD, MOST_HELD
from edgetune.plan.speed import GIVEN, Speed, speed_of
from edgetune.session.job import Job


@verb("plan")
@job_options
@click.option("--steps", type=click.IntRange(1), default=1000, show_default=True,
              help="Of the run whose guard is planned.")
@click.option("--held-out", type=click.IntRange(LEAST_HELD, MOST_HELD), metavar="SAMPLES",
              help="How many samples the guard judges by; without it by the running error.")
@click.option("--power", type=numbers(count=2, name="UA_PER_MHZ,VOLTS"), help="What the chip draws "
              "while it runs, as its datasheet has it: the energy of a step is then estimated; "
              "without it by the board's own figure, where it has one.")
def command(
    printer: Printer, job: Job, steps: int, held_out: int | None,
    power: tuple[float, float] | None,
):
    """Where MODEL's every byte would lie on a board, and what a step would cost.

    Nothing is built. A model that does not fit is refused, with the layers that cost most.
    """
    guard = guard_facts(job.estimate, steps, held_out)
    printer.result = {"model": job.model} | plan_facts(job.estimate, job.prices) | {"guard": guard}
    if power is not None and min(power) <= 0:
        raise click.BadParameter("both numbers are above zero", param_hint="--power")
    speed = speed_of(job.estimate, power)
    printer.result |= {"speed": speed.as_dict()}
    show_plan(printer, job.estimate, guard, job.prices)
    printer.text()
    printer.sentences(_speed_words(speed))
    job.check_fit()


def _speed_words(speed: Speed) -> str:
    low, high = speed.step_ms
    said = f"Estimates, not measured: a step takes {low:.3g} to {high:.3g} ms at "
    said += f"{speed.hz / 1e6:g} MHz (docs/costs.md)"
    if speed.step_uj is not None:
        low, high = speed.step_uj
        whose = "the given current" if speed.current == GIVEN else speed.current
        said += f", {low:.3g} to {high:.3g} microjoules by {whose}"
    (own, slow), *faster = speed.line_ms
    said += f". Over a serial port a sample travels {slow:.3g} ms at {own:,} bits per second"
    for rate, quick in faster:
        said += f", {quick:.3g} ms at {rate:,}"
    return f"{said}."
