"""``edgetune doctor``: what is installed, what is missing, how to get it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from edgetune.boards import load_board
from edgetune.build.cmsis_nn import find_cmsis_nn
from edgetune.cli.options import (
    cmsis_nn_place_option,
    device_option,
    recipe_options,
)
from edgetune.cli.printer import Printer
from edgetune.cli.verb import verb
from edgetune.errors import ToolchainError, UsageError
from edgetune.flash.udev import udev_rules
from edgetune.learn.recipe import Recipe
from edgetune.plan.thrift import plan_within
from edgetune.session.again import recipe_words
from edgetune.session.conversion import read_int8
from edgetune.session.doctor import Check, examine, examine_firmware

EMULATED = ("host", "qemu", "renode")


@verb("doctor")
@click.argument("model", required=False)
@click.option("--board", metavar="BOARD", help="With --device: ask this board what it runs.")
@device_option
@recipe_options
@cmsis_nn_place_option
@click.option("--udev", is_flag=True, help="Print udev rules that open debug probes, only.")
def command(
    printer: Printer, model: str | None, board: str | None, device: str | None, recipe: Recipe,
    cmsis_nn: str | None, udev: bool,
):
    """What is installed, what is missing, and the command that gets it.

    With --board and a serial port as --device it also asks the board what firmware it runs, and
    with MODEL whether that is this model's.

    The exit code is 0 if the main job can run on an emulator, and on the board that was named;
    else 9.
    """
    if udev:
        printer.result = {"udev": udev_rules()}
        printer.text(udev_rules().rstrip())
        return
    checks = examine()
    asked = _firmware(model, board, device, recipe, cmsis_nn)
    checks += asked
    printer.result = {"checks": [asdict(check) for check in checks]}
    printer.table(["what", "", "needed", "found"], [_row(check) for check in checks])
    for check in checks:
        if not check.ok and check.fix:
            printer.text(f"\n{check.name}: {check.fix}")
    _judge([c for c in checks if not c.ok and (c.needed or c in asked)])
    printer.text("\nThe main job can run on an emulator.")


def _firmware(
    model: str | None, board: str | None, device: str | None, recipe: Recipe,
    cmsis_nn: str | None,
) -> list[Check]:
    """What the board behind a serial port runs; other devices run what each command builds."""
    if device is None or device in EMULATED:
        return []
    if not board:
        raise UsageError("--device needs a board.", "", "Name it: --board BOARD")
    known = load_board(board)
    if not model:
        return [examine_firmware(known, device)]
    graph = read_int8(model, recipe.output, inputs=recipe.inputs)
    plan = plan_within(graph, recipe, known, bool(cmsis_nn))
    folder = find_cmsis_nn(cmsis_nn) if cmsis_nn else None
    options = recipe_words(recipe) + (["--cmsis-nn", cmsis_nn] if cmsis_nn else [])
    return [examine_firmware(known, device, Path(model), plan, options, folder)]


def _judge(failed: list[Check]) -> None:
    if failed:
        raise ToolchainError(
            "The main job cannot run yet.",
            f"Not in order: {', '.join(check.name for check in failed)}.",
            "\n".join(check.fix for check in failed if check.fix),
        )


def _row(check: Check) -> list:
    mark = "ok" if check.ok else "MISSING" if check.needed else "BAD" if check.broken else "absent"
    return [check.name, mark, "yes" if check.needed else f"for {check.use}", check.found]
