"""The table [uart] of a new board."""

from __future__ import annotations

from edgetune.boards.adding.notes import Notes
from edgetune.boards.adding.pins import pin_names, pin_numbers, set_pins
from edgetune.boards.adding.relative import Relative
from edgetune.boards.adding.wishes import BoardWishes
from edgetune.boards.board import BAUD_MAX
from edgetune.errors import UsageError

BAUD = 115200
# What another UART of the same chip has other values of; with its pins these are all.
_OF_ONE_UART = ("irq", "apb", "enable_register", "enable_mask", "lpuart", "alternate")


def uart_of(relative: Relative, wishes: BoardWishes, notes: Notes) -> dict:
    """The relative's UART with the user's changes; of another family only what the user says.

    Raises:
        UsageError: an entry that the driver does not have, or a pin of another kind of chip.
    """
    theirs = relative.data["uart"]
    _check_keys(wishes.uart, theirs, relative)
    baud = {"baud": wishes.baud or wishes.uart.get("baud") or theirs.get("baud", BAUD)}
    notes.missing += _missing(relative, wishes)
    if not relative.family:
        return _foreign(theirs, wishes) | baud
    sources = relative.data["port"]["sources"]
    uart = set_pins(theirs | wishes.uart | baud, sources, wishes.tx, wishes.rx)
    if "pins" in theirs:  # where theirs lead to is no fact of this board
        names = pin_names(uart, sources)
        uart |= {"pins": f"TX {names['tx']}, RX {names['rx']}"}
    notes.assumed.append(_sentence(uart, relative, wishes))
    return uart


def unsaid_entries(relative: Relative, wishes: BoardWishes) -> list[str]:
    """Entries of [uart], numbers, that the user still has to say. Pins are not among them where
    the chip is of the relative's family, because the port's entries follow from their names."""
    theirs = relative.data["uart"]
    if relative.family:
        others = _OF_ONE_UART if _another(relative, wishes) else ()
    else:
        named = pin_numbers(wishes.tx, wishes.rx)
        others = [key for key in theirs if key not in ("baud", BAUD_MAX, *named)]
    return [key for key in others if key not in wishes.uart
            and not isinstance(theirs.get(key, ""), str)]


def _another(relative: Relative, wishes: BoardWishes) -> bool:
    """Whether the user chose another UART of the chip than the relative's."""
    base = relative.data["uart"]["base"]
    return wishes.uart.get("base", base) != base


def _missing(relative: Relative, wishes: BoardWishes) -> list[str]:
    """The options that say `unsaid_entries`, and another UART's pins."""
    entries = [f"--uart {key}=NUMBER" for key in unsaid_entries(relative, wishes)]
    if not relative.family or not _another(relative, wishes):
        return entries
    known = pin_names(relative.data["uart"], relative.data["port"]["sources"])
    return entries + [
        f"--{one} PIN" for one in known
        if getattr(wishes, one) is None and f"{one}_pin" not in wishes.uart
    ]


def _check_keys(said: dict, theirs: dict, relative: Relative) -> None:
    known = [key for key, value in theirs.items() if not isinstance(value, str)]
    unknown = [key for key in said if key not in known]
    if unknown:
        raise UsageError(
            f"The UART of {relative.name} has no number {', '.join(unknown)}.",
            f"Its numbers are {', '.join(known)}.",
            "Correct --uart, or name another board with --like.",
        )


def _foreign(theirs: dict, wishes: BoardWishes) -> dict:
    """Every register address differs, so every entry must be said."""
    pins = pin_numbers(wishes.tx, wishes.rx)
    driver = {"driver": theirs["driver"]} if "driver" in theirs else {}
    return driver | wishes.uart | {key: value for key, value in pins.items() if key in theirs}


def _sentence(uart: dict, relative: Relative, wishes: BoardWishes) -> str:
    whose = f"as on {relative.name}" if not wishes.uart else "as said"
    pins = f", {uart['pins']}" if "pins" in uart else ""
    alternate = f", alternate function {uart['alternate']}" if "alternate" in uart else ""
    moved = (wishes.tx or wishes.rx) and not _another(relative, wishes)
    other = "; pins of another UART need --uart base=NUMBER too" if moved else ""
    return (f"UART {whose}: base 0x{uart['base']:08X}, interrupt {uart['irq']}{pins}{alternate}; "
            f"compare with the data sheet and the wiring{other}")
