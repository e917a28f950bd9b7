"""The table [uart] of a new board."""

from __future__ import annotations

from edgetune.boards.adding.notes import Notes
from edgetune.boards.adding.pins import pin_names, pin_numbers, set_pins
from edgetune.boards.adding.relative import Relative
from edgetune.boards.adding.wishes import BoardWishes
from edgetune.errors import UsageError

BAUD = 115200


def uart_of(relative: Relative, wishes: BoardWishes, notes: Notes) -> dict:
    """The relative's UART with the user's changes; of another family only what the user says.

    Raises:
        UsageError: an entry that the driver does not have, or a pin of another kind of chip.
    """
    theirs = relative.data["uart"]
    _check_keys(wishes.uart, theirs, relative)
    baud = {"baud": wishes.baud or wishes.uart.get("baud") or theirs.get("baud", BAUD)}
    if not relative.family:
        return _foreign(theirs, wishes, notes) | baud
    uart = theirs | wishes.uart | baud
    sources = relative.data["port"]["sources"]
    uart = set_pins(uart, sources, wishes.tx, wishes.rx)
    notes.assumed.append(_sentence(uart, sources, relative, wishes))
    return uart


def _check_keys(said: dict, theirs: dict, relative: Relative) -> None:
    unknown = [key for key in said if key not in theirs]
    if unknown:
        raise UsageError(
            f"The UART of {relative.name} has no entry {', '.join(unknown)}.",
            f"Its entries are {', '.join(theirs)}.",
            "Correct --uart, or name another board with --like.",
        )


def _foreign(theirs: dict, wishes: BoardWishes, notes: Notes) -> dict:
    """Every register address differs, so every entry must be said."""
    uart = {key: value for key, value in theirs.items() if isinstance(value, str)} | wishes.uart
    pins = pin_numbers(wishes.tx, wishes.rx)
    uart |= {key: value for key, value in pins.items() if key in theirs}
    notes.missing += [
        f"--uart {key}=NUMBER" for key in theirs if key != "baud" and key not in uart
    ]
    return uart


def _sentence(uart: dict, sources: list[str], relative: Relative, wishes: BoardWishes) -> str:
    pins = pin_names(uart, sources)
    where = f", TX {pins['tx']}, RX {pins['rx']}" if pins else ""
    whose = f"as on {relative.name}" if not wishes.uart else "as said"
    alternate = f", alternate function {uart['alternate']}" if "alternate" in uart else ""
    return (f"UART {whose}: base 0x{uart['base']:08X}, interrupt {uart['irq']}{where}{alternate}; "
            "compare with the data sheet and the wiring")
