"""What the firmware's parts cost on one core, as `make calibrate` measured it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from edgetune.boards import Board
from edgetune.errors import EdgetuneError
from edgetune.plan.plan import Plan

_FOLDER = Path(__file__).parent / "costs"
ROOTS = ("et_reset", "et_fault", "et_uart_irq")  # of the vector table


@dataclass
class CostTable:
    """``parts``: name -> flash, ram and frame in bytes, needs, pointers (patterns of what is
    called through a pointer).  ``model``: the cost of the generated calls.
    ``instructions``: engine function -> feature -> instructions."""

    core: str
    compiler: str
    parts: dict
    model: dict
    instructions: dict


def load_costs(plan: Plan) -> CostTable:
    """The table of the plan's core, with its board's port and its recipe's draw.

    Raises:
        EdgetuneError: the core or a port source was never measured.
    """
    data = _read(plan.board.core.name)
    parts = data["parts"]["common"] | data["parts"]["draws"][plan.recipe.draw]
    for file in plan.board.port_sources:
        if file not in data["parts"]["ports"]:
            raise not_measured(f"the port source {file} on {plan.board.core.name}")
        parts |= data["parts"]["ports"][file]
    return CostTable(data["core"], data["compiler"], parts, data["model"], data["instructions"])


@lru_cache
def _read(core: str) -> dict:
    path = _FOLDER / f"{core}.json"
    if not path.is_file():
        raise not_measured(core)
    return json.loads(path.read_text(encoding="utf-8"))


def not_measured(what: str) -> EdgetuneError:
    """The error where the tables lack a core or a part of the firmware."""
    return EdgetuneError(
        f"The cost of {what} is not known.",
        "edgetune/plan/costs holds no measurement of it.",
        "Measure it: make calibrate",
    )


def vector_bytes(board: Board) -> int:
    """The vector table ends with the UART's interrupt."""
    return 4 * (16 + board.uart["irq"] + 1)
