"""``edgetune flash``: write firmware to a board."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from click.core import ParameterSource

from edgetune.boards import Board, load_board
from edgetune.cli.build import show_build
from edgetune.cli.options import board_option, cmsis_nn_option, out_option, recipe_options
from edgetune.cli.printer import Printer
from edgetune.cli.verb import verb
from edgetune.errors import UsageError
from edgetune.flash import Written, choose_flasher
from edgetune.flash.select import GDB, TOOLS
from edgetune.learn.recipe import Recipe
from edgetune.session.flashing import write_image
from edgetune.session.job import Job
from edgetune.session.tools import check_build_tools


@verb("flash")
@click.argument("model", required=False)
@board_option
@click.option("--image", type=click.Path(path_type=Path), metavar="ELF",
              help="Write this file; nothing is built then.")
@click.option("--tool", type=click.Choice([*TOOLS, GDB]), help="The board's first without it.")
@click.option("--probe", metavar="ID", help="Which debug probe, where there are several: its "
              "serial number. For uf2 the folder of the drive.")
@click.option("--gdb", metavar="HOST:PORT", help="Write through this GDB server.")
@recipe_options
@out_option
@cmsis_nn_option
def command(
    printer: Printer, model: str | None, board: str, image: Path | None, tool: str | None,
    probe: str | None, gdb: str | None, recipe: Recipe, out: str | None, cmsis_nn: Path | None,
):
    """Build MODEL's firmware and write it to a board, or write a file: --image.

    What was written is read back and compared, and then started. A drive (uf2) cannot be read
    back. Nothing is erased but the sectors that the firmware needs.
    """
    _check_source(model, image)
    known = load_board(board)
    flasher = choose_flasher(known, tool, probe, gdb)
    flasher.check()
    if image is None:
        job = Job(model, board, recipe, out=out, cmsis_nn=cmsis_nn, reporter=printer.reporter)
        image = _build(printer, job)
    written = write_image(image, known, flasher, printer.reporter)
    printer.result = {"board": known.name, "image": str(image)} | asdict(written)
    _show(printer, known, written)


def _check_source(model: str | None, image: Path | None) -> None:
    """One of both; --image comes before a model that only edgetune.toml names."""
    source = click.get_current_context().get_parameter_source("model")
    both = image is not None and source is ParameterSource.COMMANDLINE
    if both or (model is None and image is None):
        raise UsageError(
            "What is to be written?",
            "Both a model and an image were named." if both else "No model and no image.",
            "edgetune flash MODEL --board BOARD, or edgetune flash --board BOARD --image ELF",
        )


def _build(printer: Printer, job: Job) -> Path:
    check_build_tools(False)
    firmware = job.build(native=False)
    show_build(printer, firmware)
    return firmware.build.elf


def _show(printer: Printer, board: Board, written: Written) -> None:
    probe = f", {written.probe}" if written.probe else ""
    verified = "read back and found equal" if written.verified else "not read back"
    printer.text(
        f"{written.bytes:,} bytes written to {board.title} by {written.tool}{probe}: {verified}. "
        "The firmware was started."
    )
