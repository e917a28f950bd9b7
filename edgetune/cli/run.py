"""``edgetune run``: build, launch and shake hands."""

from __future__ import annotations

from dataclasses import asdict

from edgetune.cli.options import flash_option, job_options
from edgetune.cli.printer import Printer
from edgetune.cli.verb import verb
from edgetune.link.messages import DeviceInfo
from edgetune.session.connection import connect
from edgetune.session.job import Job


@verb("run")
@job_options
@flash_option
def command(printer: Printer, job: Job):
    """Build MODEL's firmware, launch it, and print what it says of itself."""
    device, firmware = job.device, job.firmware()
    with connect(firmware, device, printer.reporter) as client:
        executed = client.executed_instructions()
        printer.result = {
            "device": device, "hello": info_facts(client.info), "executed_instructions": executed,
        }
        show_info(printer, device, client.info)
        if executed is not None:
            printer.text(f"It executed {executed:,} instructions so far.")


def info_facts(info: DeviceInfo) -> dict:
    """A HELLO for ``--json``; ids in hexadecimal, sizes in bytes."""
    ids = {"build_id": f"{info.build_id:08x}", "model_hash": f"{info.model_hash:08x}"}
    return asdict(info) | ids


def show_info(printer: Printer, device: str, info: DeviceInfo) -> None:
    """A HELLO as text."""
    printer.text(f"{device} answers:")
    rows = [[name.replace("_", " "), str(value)] for name, value in info_facts(info).items()]
    printer.table(["fact", "value"], rows)
