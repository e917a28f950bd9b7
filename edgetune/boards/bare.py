"""A core alone, for firmware whose board nobody describes: its product has it."""

from pathlib import Path

from edgetune.boards.board import Board, Evidence, Region
from edgetune.boards.cores import CORES
from edgetune.errors import UsageError

LENGTH = 1 << 24  # bytes of each memory, where nobody says how much there is


def bare_core(name: str) -> Board:
    """A board with the core ``name`` and no ports, with more memory than any model takes.

    Raises:
        UsageError: no such core.
    """
    if name not in CORES:
        raise UsageError(
            f"Unknown core '{name}'.", f"edgetune knows {', '.join(CORES)}.", "Name one of them."
        )
    return Board(
        name=name, title=f"a {name}", maker="", chip=name, core=CORES[name], fpu="none",
        regions=(Region("flash", "flash", 0, LENGTH), Region("ram", "ram", 1 << 29, LENGTH)),
        port_sources=("the product's own",), uart={"irq": 0, "baud": 0}, clock={},
        counter={}, flasher={}, emulators={}, folder=Path(),
        evidence=(Evidence("builds", "built", "as a library"),),
    )
