"""``edgetune monitor``: what a device says."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict
from functools import partial

import click

from edgetune.cli.options import job_options
from edgetune.cli.printer import Printer
from edgetune.cli.run import info_facts
from edgetune.cli.verb import verb
from edgetune.device import open_device
from edgetune.errors import UsageError
from edgetune.link.client import Client
from edgetune.link.messages import Stats
from edgetune.session.job import Job

INTERVAL = 1.0  # seconds between two questions
LINES = 100_000  # of a log, the last, that --json gives


@verb("monitor")
@partial(job_options, model=click.argument("model", required=False))
@click.option("--seconds", type=click.FloatRange(0, min_open=True),
              help="End after so long; on Ctrl-C without it.")
def command(printer: Printer, job: Job, seconds: float | None):
    """Print a device's log messages, and its statistics whenever they change.

    A board on a serial port is listened to as it is, and needs no MODEL; for any other device
    MODEL's firmware is built and launched.
    """
    log: deque[str] = deque(maxlen=LINES)
    with open_device(job.device, job.board, _image(job)) as opened:
        client = Client(opened, line=opened, on_log=lambda text: _log(printer, log, text))
        info = client.hello()
        printer.text(f"{job.device}: board {info.board}, firmware {info.build_id:08x}, "
                     f"model {info.model_hash:08x}")
        stats = _listen(printer, client, seconds)
    said = {"hello": info_facts(info), "log": list(log), "stats": stats}
    printer.result = {"device": job.device, **said}


def _image(job: Job):
    if job.device.startswith("/"):
        return None
    if job.model is None:
        raise UsageError(
            f"The device {job.device} needs a model.",
            "Only a board on a serial port runs firmware already.",
            "Name one: edgetune monitor MODEL --board BOARD",
        )
    return job.firmware().build.elf


def _log(printer: Printer, log: deque[str], text: str):
    log.append(text)
    printer.text(f"log: {text}")


def _listen(printer: Printer, client: Client, seconds: float | None) -> dict:
    """Ask for statistics, which brings log messages along; the last ones as a dictionary."""
    end = None if seconds is None else time.monotonic() + seconds
    shown = {}
    try:
        while True:
            shown = _show_change(printer, shown, client.stats())
            left = INTERVAL if end is None else end - time.monotonic()
            if left <= 0:
                return shown
            time.sleep(min(INTERVAL, left))
    except KeyboardInterrupt:
        return shown


def _show_change(printer: Printer, shown: dict, stats: Stats) -> dict:
    facts = asdict(stats)
    if facts != shown:
        printer.text(", ".join(f"{k.replace('_', ' ')} {v:,}" for k, v in facts.items()))
    return facts
