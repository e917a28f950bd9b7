"""``edgetune boards``: the boards that edgetune knows, each with its evidence."""

from __future__ import annotations

import click

from edgetune.boards import Board, list_boards, list_own_boards, load_board
from edgetune.cli.add_board import add_command
from edgetune.cli.printer import Printer
from edgetune.cli.verb import verb


@click.group("boards")
def command():
    """The boards that edgetune knows, each with its evidence, and adding one.

    Boards of your own are the folders below boards/ in the current folder.
    """


@verb("list")
def list_command(printer: Printer):
    """One line a board: chip, memory, devices, and how far it was tried."""
    own = set(list_own_boards()) - set(list_boards())
    boards = [load_board(name) for name in [*list_boards(), *sorted(own)]]
    printer.result = {"boards": [_facts(board) | {"own": board.name in own} for board in boards]}
    printer.table(
        ["board", "chip", "core", "flash", "RAM", "devices", "evidence"],
        [
            [
                board.name + " (yours)" * (board.name in own), board.chip, board.core.name,
                _kilobytes(board.flash.length), _kilobytes(board.ram.length),
                ", ".join(devices(board)), board.evidence_level,
            ]
            for board in boards
        ],
    )
    printer.text()
    printer.text("Evidence: the strongest of hardware, emulated, built. "
                 "Claim by claim: edgetune boards show BOARD")


@verb("show")
@click.argument("board")
def show_command(printer: Printer, board: str):
    """All that is known of BOARD."""
    known = load_board(board)
    printer.result = _facts(known) | {
        "folder": str(known.folder),
        "store": known.store and {
            "origin": known.store.origin, "length": known.store.length,
            "slot_bytes": known.store.capacity,
        },
        "memory": [
            {"name": r.name, "kind": r.kind, "origin": r.origin, "length": r.length, "use": r.use}
            for r in known.regions
        ],
        "uart": known.uart, "clock": known.clock, "counter": known.counter,
        "flasher": known.flasher, "emulators": known.emulators,
        "claims": [
            {"claim": e.claim, "level": e.level, "where": e.where} for e in known.evidence
        ],
    }
    _show(printer, known)


for one in (list_command, show_command, add_command):
    command.add_command(one)


def devices(board: Board) -> list[str]:
    """What ``--device`` can name for ``board``."""
    return [*board.emulators, "host", "serial port"]


def _facts(board: Board) -> dict:
    return {
        "name": board.name, "title": board.title, "maker": board.maker, "chip": board.chip,
        "core": board.core.name, "fpu": board.fpu, "flash_bytes": board.flash.length,
        "ram_bytes": board.ram.length, "devices": devices(board), "evidence": board.evidence_level,
    }


def _show(printer: Printer, board: Board):
    printer.text(f"{board.title} ({board.maker}), {board.chip}, {board.core.name}")
    printer.text(f"devices: {', '.join(devices(board))}")
    pins = f", {board.uart['pins']}" if "pins" in board.uart else ""
    printer.text(f"UART: {board.baud} bits per second{pins}")
    printer.text(f"folder: {board.folder}")
    printer.text(f"store: {_store(board)}")
    printer.text(f"written by: {', '.join(board.flasher['tools']) or '--gdb HOST:PORT only'}")
    printer.text()
    printer.table(
        ["memory", "kind", "from", "to", "size", "used"],
        [
            [r.name, r.kind, f"0x{r.origin:08X}", f"0x{r.end - 1:08X}", _kilobytes(r.length),
             "yes" if r.use else "no"]
            for r in board.regions
        ],
    )
    printer.text()
    printer.table(["evidence", "claim", "where"],
                  [[e.level, e.claim, e.where] for e in board.evidence])


def _store(board: Board) -> str:
    """Where it keeps what it learnt."""
    if board.store is None:
        return "none: firmware cannot write its flash" if board.geometry is None else "none"
    store = board.store
    return (
        f"{store.length // 1024} KB of flash from 0x{store.origin:08X} on, two states of up to "
        f"{store.capacity:,} bytes"
    )


def _kilobytes(size: int) -> str:
    return f"{size / 1024:g} KB"
