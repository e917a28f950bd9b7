"""What the user says of a board: all that a part's description does not know."""

from __future__ import annotations

from dataclasses import field

from edgetune.dataclass import dataclass


@dataclass(frozen=True)
class BoardWishes:
    """None and empty: not said.

    Args:
        like: a board whose port sources, UART and clock are taken over; without it the nearest
            of the part's family.
        uart: entries of [uart], in place of that board's.
        tx, rx: pins, as PA2, P0.06 or 2.
        baud: bits per second.
        clock_hz: what the core runs at without any clock start-up; or the frequency of the
            board taken over, which keeps its start-up.
        crystal_hz: of the external crystal or clock, 0 for none.
        flash, ram: (origin, bytes) of the memories to use, in place of the description's.
    """

    like: str | None = None
    uart: dict[str, int] = field(default_factory=dict)
    tx: str | None = None
    rx: str | None = None
    baud: int | None = None
    clock_hz: int | None = None
    crystal_hz: int | None = None
    flash: tuple[int, int] | None = None
    ram: tuple[int, int] | None = None
