"""``edgetune boards add``: a board's folder from a part's description."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path

import click

from edgetune.cli.printer import Printer
from edgetune.cli.verb import stack, verb
from edgetune.errors import UsageError


class _Integer(click.ParamType):
    """An integer as C writes it: 115200, 0x40004400."""

    name = "NUMBER"

    def convert(self, value, param, ctx):
        try:
            number = value if isinstance(value, int) else int(value, 0)
        except ValueError:
            self.fail(f"{value!r} is no number.", param, ctx)
        if not 0 <= number < 1 << 32:
            self.fail(f"{value!r} is not from 0 to 0xFFFFFFFF.", param, ctx)
        return number


class _Region(click.ParamType):
    """Where a memory starts, and how many bytes it has."""

    name = "ORIGIN,LENGTH"

    def convert(self, value, param, ctx):
        numbers = value.split(",") if isinstance(value, str) else value
        if len(numbers) != 2:
            self.fail(f"{value!r} is not ORIGIN,LENGTH.", param, ctx)
        origin, length = (_Integer().convert(one, param, ctx) for one in numbers)
        if not length or origin + length > 1 << 32:
            self.fail(f"{value!r} ends behind the addresses of the core, or is empty.", param, ctx)
        return origin, length


class _Entry(click.ParamType):
    """An entry of a table in board.toml."""

    name = "KEY=NUMBER"

    def convert(self, value, param, ctx):
        if isinstance(value, tuple):
            return value
        key, equals, number = value.partition("=")
        if not key or not equals:
            self.fail(f"{value!r} is not KEY=NUMBER.", param, ctx)
        return key, _Integer().convert(number, param, ctx)


_wishes = stack(
    click.option("--like", metavar="BOARD", help="Take port sources, UART and clock of this "
                 "board; without it of the nearest of the part's family."),
    click.option("--uart", type=_Entry(), multiple=True, help="An entry of [uart] in place of "
                 "that board's: base=0x40011000, irq=37. Repeat it for others. With another base "
                 "all that differs with the UART has to be said, its pins too."),
    click.option("--tx", metavar="PIN", help="PA2, P0.06 or 2."),
    click.option("--rx", metavar="PIN", help="PA3, P0.08 or 3."),
    click.option("--baud", type=click.IntRange(300, 4_000_000), metavar="RATE"),
    click.option("--clock", "clock_hz", type=click.IntRange(100_000), metavar="HZ",
                 help="What the core runs at after reset, if no clock start-up shall change it."),
    click.option("--crystal", "crystal_hz", type=click.IntRange(0), metavar="HZ",
                 help="The external crystal or clock; 0 for none, the default."),
    click.option("--flash", type=_Region(), help="The flash to use, in place of the pack's."),
    click.option("--ram", type=_Region(), help="The RAM to use, in place of the pack's."),
)


@verb("add")
@click.argument("part")
@click.option("--pdsc", type=click.Path(), metavar="FILE",
              help="Look PART up in this description; needs no network.")
@click.option("--processor", default="", metavar="NAME", help="Which of several.")
@click.option("--name", help="Of the board; the part's without it.")
@click.option("--out", type=click.Path(), metavar="FOLDER", help="Its folder; boards/NAME "
              "without it.")
@click.option("--force", is_flag=True, help="Overwrite a board that is there.")
@click.option("--yes", is_flag=True, help="Ask nothing on a terminal either.")
@_wishes
def add_command(
    printer: Printer, part: str, pdsc: str | None, processor: str, name: str | None,
    out: str | None, force: bool, yes: bool, uart: tuple, **said,
):
    """Write the folder of a board with PART, from its CMSIS pack and a board of its family.

    On a terminal it asks for what the pack does not know; elsewhere options say it.
    """
    from edgetune.boards.adding import BoardWishes, draft_board
    from edgetune.boards.adding.add import look_up, new_folder, write_board

    found = look_up(part, pdsc, processor)
    place = new_folder(found, name, out, force)
    wishes = BoardWishes(uart=dict(uart), **said)
    if not yes and _can_ask(printer):
        wishes = _asked(found, wishes)
    added = write_board(draft_board(found, wishes), place)
    folder = _shown(added.board.folder)
    printer.result = {
        "name": added.board.name, "folder": str(added.board.folder), "chip": added.board.chip,
        "taken": list(added.taken), "assumed": list(added.assumed),
    }
    printer.text(f"{folder}/board.toml describes a board with {added.board.chip}.")
    for line in added.taken:
        printer.text(f"  taken from {line}")
    for line in added.assumed:
        printer.text(f"  assumed: {line}")
    printer.text(f"Next: edgetune plan MODEL --board {shlex.quote(folder)}")


def _can_ask(printer: Printer) -> bool:
    return not printer.as_json and sys.stdin.isatty() and sys.stderr.isatty()


def _asked(part, wishes):
    """``wishes`` with answers to what no option said; Enter takes the value in brackets, and what
    cannot be is asked for again."""
    from edgetune.boards.adding import draft_board
    from edgetune.boards.adding.questions import questions

    draft = draft_board(part, wishes)
    while asked := questions(draft, wishes):
        one = asked[0]
        answer = click.prompt(one.text, default=one.default, type=_TYPES[one.kind], err=True)
        answered = replace(wishes, **one.answered(wishes, answer))
        try:
            draft, wishes = draft_board(part, answered), answered
        except UsageError as error:
            click.echo(f"{error.message} {error.cause}", err=True)
    return wishes


_TYPES = {"word": str, "number": _Integer(), "region": _Region()}


def _shown(folder: Path) -> str:
    """Relative to the current folder where it lies below it."""
    here = Path.cwd()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)
