"""``edgetune build``: generate and build the firmware."""

from __future__ import annotations

import click

from edgetune.cli.options import job_options
from edgetune.cli.printer import Printer
from edgetune.cli.verb import verb
from edgetune.session.firmware import Firmware
from edgetune.session.job import Job
from edgetune.session.renode_suite import check_renode_suite, write_renode_suite
from edgetune.session.tools import check_build_tools


@verb("build")
@job_options
@click.option("--native", is_flag=True, help="For this computer instead of the board.")
@click.option("--renode-suite", is_flag=True,
              help="Also a Robot Framework suite of it, for Renode's renode-test.")
def command(printer: Printer, job: Job, native: bool, renode_suite: bool):
    """Write a C project for MODEL on a board, and build it with make.

    `--device host` is another way to say --native; other devices do not change the build.
    """
    native = native or job.device_name == "host"
    if renode_suite:
        check_renode_suite(job.board, native)
    check_build_tools(native)
    firmware = job.build(native)
    suite = write_renode_suite(firmware) if renode_suite else None
    printer.result = build_facts(firmware) | ({"renode_suite": str(suite)} if suite else {})
    show_build(printer, firmware)
    if suite:
        printer.text(f"Suite: {suite}; to run it: renode-test {suite}")


def build_facts(firmware: Firmware) -> dict:
    """What ``--json`` prints of a build; sizes in bytes, absent for this computer."""
    sizes = firmware.build.sizes
    used = (
        {"flash": sizes.flash, "static_ram": sizes.static_ram, "stack": sizes.stack}
        if sizes else {}
    )
    return {
        "folder": str(firmware.project.folder),
        "image": str(firmware.build.elf),
        "build_id": f"{firmware.project.build_id:08x}",
        "board": firmware.plan.board.name,
    } | used


def show_build(printer: Printer, firmware: Firmware) -> None:
    sizes, board = firmware.build.sizes, firmware.plan.board
    printer.text(f"Image: {firmware.build.elf} (build id {firmware.project.build_id:08x})")
    if sizes:
        printer.text(
            f"Flash: {sizes.flash:,} of {board.flash.length:,} bytes. "
            f"RAM: {sizes.static_ram:,} of {board.ram.length:,} bytes, and the stack has "
            f"{sizes.stack:,}."
        )
