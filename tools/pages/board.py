"""The text of a board's page."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from edgetune.boards import Board
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.cost import Estimate, estimate
from edgetune.plan.plan import make_plan
from edgetune.plan.speed import speed_of
from tools.pages.table import table

MODEL = "examples/digits/digits_int8.tflite"
DATA = "examples/digits/digits.npz"
MADE = "<!-- Made by tools/board_pages.py from boards/{name}/board.toml: change that, not this. -->"
RECIPES = (("all layers", Recipe()), ("the last layer", Recipe(layers=("last",))))
FITS = "fits"
EMULATORS = {"qemu": "QEMU", "renode": "Renode"}


def index_text(boards: list[Board]) -> str:
    """The table of all boards."""
    rows = [
        [f"[`{b.name}`]({b.name}.md)", b.chip, b.core.name, _size(b.flash.length),
         _size(b.ram.length), ", ".join(map(EMULATORS.get, b.emulators)) or "-", b.evidence_level]
        for b in boards
    ]
    return "\n".join([
        MADE.format(name="*"), "", "# Boards", "",
        *table(["board", "chip", "core", "flash", "RAM", "emulators", "evidence"], rows), "",
        "*Hardware* would mean run on the board itself, *emulated* run in an emulator, *built*",
        "compiled and linked only; each page says which claim reached what. Nothing has been run",
        "on hardware yet. [Adding a board](../boards-adding.md) is a matter of data.", "",
    ])


def page_text(board: Board) -> str:
    """The page of one board."""
    parts = [
        [MADE.format(name=board.name), "", f"# {board.title}", ""],
        [f"`{board.name}`: {board.maker} {board.chip}, {board.core.name}."],
        _section("Evidence", table(
            ["level", "claim", "where"], [[e.level, e.claim, e.where] for e in board.evidence]
        )),
        _section("Try it", _commands(board)),
        _section("What the demo takes", _demo(board)),
        _section("Memory", _memory(board)),
        _section("UART", _uart(board)),
        _section("Clock and counter", _clock(board)),
        _section("Time and energy", _speed(board)),
        _section("Flash for stored weights", _flash(board)),
        _section("Writing the firmware", _flashers(board)),
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", f"## {title}", "", *lines]


def _size(count: int) -> str:
    return f"{count >> 20} MB" if count % (1 << 20) == 0 else f"{count / 1024:g} KB"


def _commands(board: Board) -> list[str]:
    fits = _verdict(board, _cost(board, Recipe())) == FITS
    model, data = (MODEL, DATA) if fits else ("MODEL", "DATA")
    tune = f"    edgetune tune {model} --data {data} --board {board.name} --device"
    lines = [] if fits else ["The demo is too large for this chip; with a smaller model:", ""]
    lines += [f"{tune} {name}" for name in board.emulators]
    if board.flasher["tools"]:
        lines += [f"    edgetune flash {model} --board {board.name}", f"{tune} auto"]
    return lines


@lru_cache
def _graph():
    return read_tflite(Path(__file__).parents[2] / MODEL)


def _demo(board: Board) -> list[str]:
    rows = []
    for trained, recipe in RECIPES:
        cost = _cost(board, recipe)
        rows.append([
            trained, f"{cost.flash_bytes:,}", f"{cost.ram_bytes:,}",
            f"{cost.step_instructions:,}", _verdict(board, cost),
        ])
    return [
        f"`edgetune plan {MODEL} --board {board.name}`, with `--layers last` for the second row;",
        "the stack is included, and instructions are not cycles.", "",
        *table(["trained", "flash, bytes", "RAM, bytes", "instructions of a step", ""], rows),
    ]


def _verdict(board: Board, cost: Estimate) -> str:
    fits = cost.flash_bytes <= board.flash.length and cost.ram_bytes <= board.ram.length
    return FITS if fits else "refused: too large"


def _cost(board: Board, recipe: Recipe) -> Estimate:
    return estimate(make_plan(_graph(), recipe, board))


def _memory(board: Board) -> list[str]:
    return table(["memory", "kind", "from", "to", "size", "used"], [
        [r.name, r.kind, f"0x{r.origin:08X}", f"0x{r.end - 1:08X}", _size(r.length),
         "yes" if r.use else "no"]
        for r in board.regions
    ])


def _uart(board: Board) -> list[str]:
    uart = board.uart
    rows = [
        ["driver", f"`{uart['driver']}`"], ["registers", f"0x{uart['base']:08X}"],
        ["interrupt", uart["irq"]], ["bits per second", uart["baud"]],
        ["pins", uart.get("pins", "fixed by the FPGA image or chip")],
    ]
    return table(["", ""], rows)


def _clock(board: Board) -> list[str]:
    counter = board.counter.get("driver", "none")
    return [
        f"The core runs at {board.clock['hz'] / 1e6:g} MHz; where a clock does not start, at the "
        f"one after reset. Ticks come from: {counter}.",
    ]


def _speed(board: Board) -> list[str]:
    """Of a step of the demo: estimates."""
    speed = speed_of(_cost(board, Recipe()))
    low, high = speed.step_ms
    said = [
        "Estimates, not measured ([costs](../costs.md)): a step of the demo takes "
        f"{low:.3g} to {high:.3g} ms.",
    ]
    if speed.step_uj is None:
        return [*said, "For this chip no published current is at hand that would give its energy; "
                "`edgetune plan --power`", "takes one."]
    (low, high), supply = speed.step_uj, board.supply
    return [
        *said, f"With {supply.ua_per_mhz:g} microamperes a megahertz at {supply.volts:g} V it "
        f"takes {low:.3g} to {high:.3g} microjoules.", f"The current is that of {supply.source}.",
    ]


def _flash(board: Board) -> list[str]:
    if not board.geometry:
        return ["None: what takes the place of flash here is no flash, or has no driver."]
    flash = board.geometry
    sectors = ", ".join(f"{count} of {_size(size)}" for count, size in flash.sectors)
    drivers = ", ".join(f"`{name}`" for name in flash.sources)
    return [
        f"Sectors: {sectors}. {flash.unit} bytes are programmed at once. Drivers: {drivers}, tried",
        "against register models of the controller.",
    ]


def _flashers(board: Board) -> list[str]:
    tools = board.flasher["tools"]
    if not tools:
        return [f"{board.title} {board.flasher['note']}."]
    first, *others = tools
    lines = [f"`edgetune flash` uses {first}."]
    if others:
        lines.append(f"Also: {', '.join(f'`--tool {name}`' for name in others)}.")
    return [" ".join(lines), "[Flashing](../flashing.md) says what each needs."]
