"""What the firmware's parts cost on one core, as `make calibrate` measured it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from edgetune.boards import Board
from edgetune.dataclass import dataclass
from edgetune.errors import EdgetuneError
from edgetune.plan.plan import Plan
from edgetune.plan.shapes import shape_defines

_FOLDER = Path(__file__).parent / "costs"
SIZES = ("flash", "ram", "frame")
ALONE = "fixed"  # the rule that draws were measured with: of all it takes the least
ROOTS = ("et_reset", "et_fault", "et_uart_irq")  # of the vector table


@dataclass
class CostTable:
    """``parts``: name -> flash, ram and frame in bytes, needs, pointers (patterns of what is
    called through a pointer).  ``model``: the cost of the generated calls.
    ``instructions``: engine function -> feature -> instructions.  ``unmeasured``: port sources
    of the board that stand in ``parts`` with the largest figures of the measured ones."""

    core: str
    compiler: str
    parts: dict
    model: dict
    instructions: dict
    unmeasured: tuple[str, ...] = ()


def load_costs(plan: Plan) -> CostTable:
    """The table of the plan's core, with its board's port, its recipe's draw and rule, and
    kernels that leave out what its shapes have no need of.

    Raises:
        EdgetuneError: the core, or the rule on it, was never measured.
    """
    data = _read(plan.board.core.name)
    ports, sources = data["parts"]["ports"], plan.board.port_sources
    unmeasured = tuple(file for file in sources if file not in ports)
    parts = data["parts"]["common"] | _of_rule(data, plan.recipe.rule)
    parts |= _of_draw(data["parts"]["draws"][plan.recipe.draw], parts, _of_rule(data, ALONE))
    parts |= data["parts"].get("shapes", {}).get("+".join(shape_defines(plan)), {})
    parts |= _largest(ports.values()) if unmeasured else {}
    for file in sources:
        parts |= ports.get(file, {})
    return CostTable(
        data["core"], data["compiler"], parts, data["model"], data["instructions"], unmeasured
    )


def _of_rule(data: dict, rule: str) -> dict:
    if rule not in data["parts"]["rules"]:
        raise not_measured(f"the rule {rule} on a {data['core']}")
    return data["parts"]["rules"][rule]


def _of_draw(drawn: dict, parts: dict, alone: dict) -> dict:
    """What a draw replaces.  It was measured with the rule whose parts ``alone`` are: the plan's
    rule adds as much flash and as many needs as to the other draw; the larger frame is taken."""
    found = {}
    for name, facts in drawn.items():
        ruled, bare = parts.get(name, {}), alone.get(name, {})
        flash = facts.get("flash", 0) + ruled.get("flash", 0) - bare.get("flash", 0)
        own = {*ruled.get("needs", ())} - {*bare.get("needs", ())}
        found[name] = facts | {
            "flash": flash if name in alone else facts.get("flash", 0),
            "frame": max(facts.get("frame", 0), ruled.get("frame", 0)),
            "needs": sorted({*facts.get("needs", ()), *own}),
        }
    return found


def _largest(ports: Iterable[dict]) -> dict:
    """What stands for a port's functions whose code is not known: the most that any takes."""
    found: dict = {}
    for parts in ports:
        for name, facts in parts.items():
            most = found.setdefault(name, dict.fromkeys(SIZES, 0) | {"needs": []})
            most |= {size: max(most[size], facts.get(size, 0)) for size in SIZES}
            most["needs"] = sorted({*most["needs"], *facts.get("needs", ())})
    return found


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
