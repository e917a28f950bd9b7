"""A plan, as facts for JSON and as text."""

from __future__ import annotations

from edgetune.cli.printer import Printer
from edgetune.plan.plan import Plan

SIZES = {
    "arena_bytes": "activations, errors and scratch, in RAM",
    "state_bytes": "trained weights, generator and rule state, in RAM",
    "initial_bytes": "initial values of the trained weights, in flash",
    "frozen_bytes": "other weights, in flash",
    "table_bytes": "shapes, multipliers and lookup tables, in flash",
}


def plan_facts(plan: Plan) -> dict:
    """What ``--json`` prints of a plan: bytes."""
    return {
        "board": plan.board.name,
        "recipe": plan.recipe.as_dict(),
        "rate": plan.recipe.rate_for(len(plan.trained)),
        "trained": [layer.name for layer in plan.trained],
        "flash_available": plan.board.flash.length,
        "ram_available": plan.board.ram.length,
    } | {name: getattr(plan, name) for name in SIZES}


def show_plan(printer: Printer, plan: Plan) -> None:
    """Sizes, then a line a layer."""
    trained = [layer.name for layer in plan.trained]
    printer.text(f"Board: {plan.board.title}, {plan.board.chip}, {plan.board.core.name}")
    printer.text(f"Trains {len(trained)} layers: {', '.join(trained)}")
    printer.table(["bytes", "for"], [[getattr(plan, name), text] for name, text in SIZES.items()])
