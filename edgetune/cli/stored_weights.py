"""``edgetune weights status | commit | confirm | rollback``: what a device keeps in its flash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps

import click

from edgetune.cli.options import data_options, flash_option, job_options
from edgetune.cli.printer import Printer
from edgetune.cli.verb import verb
from edgetune.link.client import Client
from edgetune.link.store import NOTHING, SlotState, StoreStatus
from edgetune.session.connection import connect
from edgetune.session.job import Job
from edgetune.session.storing import MEASURED, SCALE, measured, refuse_worse, score_of

_STATES = {
    SlotState.EMPTY: "empty",
    SlotState.FOREIGN: "of another model or recipe",
    SlotState.TRIAL: "trial, the next boot runs it",
    SlotState.USED: "trial, booted: the next boot goes back",
    SlotState.CONFIRMED: "confirmed",
}
_FORCE = partial(click.option, "--force", is_flag=True)


@contextmanager
def _stored(printer: Printer, job: Job) -> Iterator[Client]:
    """The device, whose firmware has a store."""
    job.store = True
    with connect(job.firmware(), job.device, printer.reporter) as client:
        yield client


def _showing(function: Callable) -> Callable:
    """A verb that ends with what the store then holds."""

    @wraps(function)
    def shown(printer: Printer, job: Job, **given):
        with _stored(printer, job) as client:
            said = function(printer, job, client, **given)
            status = client.store_status()
        printer.result = {"device": job.device} | _facts(status)
        if said:
            printer.text(said)
        _show(printer, status)

    return shown


@verb("status")
@job_options
@flash_option
@_showing
def status_command(printer: Printer, job: Job, client: Client):
    """What the device keeps in its flash, what runs, and how worn it is."""


@verb("commit")
@job_options
@flash_option
@partial(data_options, required=False)
@_FORCE(help="Also where few steps were learnt since the last commit: each wears the flash.")
@_showing
def commit_command(printer: Printer, job: Job, client: Client, force: bool):
    """Keep what the device holds, as a trial: the next boot runs it once, and unless it is
    confirmed by then the boot after that goes back.

    With --data its measure on the test set is kept beside it.
    """
    found = measured(client, job.plan, job.data, printer.reporter) if _has_data(job) else None
    client.commit(score_of(found) if found else 0, force)
    return f"Committed as a trial{f', {found.text}' if found else ''}."


@verb("confirm")
@job_options
@flash_option
@partial(data_options, required=False)
@_FORCE(help="Also where the confirmed weights are better.")
@_showing
def confirm_command(printer: Printer, job: Job, client: Client, force: bool):
    """Make the trial that runs the confirmed weights, if it is no worse than these.

    With --data it is measured again, else the scores of the commits are compared.
    """
    if _has_data(job):
        found = measured(client, job.plan, job.data, printer.reporter)
        if not force:
            refuse_worse(client.store_status(), found)
    client.confirm(force or _has_data(job))
    return "Confirmed."


@verb("rollback")
@job_options
@flash_option
@_showing
def rollback_command(printer: Printer, job: Job, client: Client):
    """Give the trial up: the device holds the confirmed weights again, or its first ones."""
    return f"Rolled back (digest {client.rollback():08x})."


def _has_data(job: Job) -> bool:
    return bool((job.source or {}).get("path"))


def _facts(status: StoreStatus) -> dict:
    return {
        "running": None if status.running == NOTHING else status.running,
        "fault": status.fault, "flash_error": status.flash_error, "steps": status.steps,
        "least_steps": status.least_steps, "capacity_bytes": status.capacity,
        "slots": [
            {"state": slot.state.name.lower(), "generation": slot.generation,
             "erases": slot.erases, "score": slot.score or None}
            for slot in status.slots
        ],
    }


def _show(printer: Printer, status: StoreStatus) -> None:
    if status.fault:
        printer.text(f"The store cannot be used: error {status.fault} (firmware/store/store.h).")
    printer.table(
        ["slot", "holds", "generation", "erases", "score", "runs"],
        [
            [number, _STATES[slot.state], slot.generation or "", slot.erases,
             _score(slot.score), "yes" if number == status.running else "no"]
            for number, slot in enumerate(status.slots)
        ],
    )
    printer.text(f"{status.steps:,} steps since the last commit or start; "
                 f"at least {status.least_steps:,} between two commits")


def _score(score: int) -> str:
    return f"{(score - MEASURED) / SCALE:.4f}" if score else ""
