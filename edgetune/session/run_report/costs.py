"""The report's costs: instructions, memory, the arena over the stages, the line."""

from __future__ import annotations

import re

from edgetune.pages.boxes import Box, boxes
from edgetune.pages.charts import stacked_bars
from edgetune.pages.page import figure, paragraph, section, table

PHASES = ("forward", "loss", "backward", "update")
_KINDS = (("error", re.compile("_error|^logit_error")), ("value", re.compile("_out$|^input")))
RAM = {"arena": "arena_bytes", "trained state": "state_bytes", "link": "link_bytes",
       "other": "static_bytes", "stack at most": "stack_bytes"}
FLASH = {"code": "code_bytes", "tables": "table_bytes", "weights": "weight_bytes"}


def costs_section(record: dict) -> str:
    plan = record.get("plan", {})
    if "cost" not in plan:
        return ""
    return section(
        "Costs", _instructions(plan["cost"]), _memory("RAM", plan, RAM, "ram_available"),
        _memory("Flash", plan, FLASH, "flash_available"), _used(record), _arena(plan["arena"]),
    )


def _instructions(cost: dict) -> str:
    counts: dict[str, dict[str, float]] = {}
    for stage in cost["stages"]:
        phases = counts.setdefault(stage["layer"], dict.fromkeys(PHASES, 0.0))
        phases[stage["phase"]] = phases.get(stage["phase"], 0.0) + stage["instructions"]
    series = {phase: [round(row[phase]) for row in counts.values()] for phase in PHASES}
    return figure(
        stacked_bars("Instructions of a step", list(counts), series, "instructions"),
        f"Instructions of one training step, {cost['step_instructions']:,} in all, as planned: "
        "not cycles; inputs without zeros.",
        ["layer", *PHASES], [[name, *(round(row[p]) for p in PHASES)]
                             for name, row in counts.items()],
    )


def _memory(name: str, plan: dict, parts: dict[str, str], available: str) -> str:
    values = {part: [plan["cost"][key]] for part, key in parts.items()}
    total, room = sum(v for [v] in values.values()), plan[available]
    return figure(
        stacked_bars(f"{name} in bytes", [name], values, "bytes", max(room, total)),
        f"{name}: {total:,} of the board's {room:,} bytes, as planned.",
        ["part", "bytes"], [*([part, v] for part, [v] in values.items()), ["available", room]],
    )


def _used(record: dict) -> str:
    used = (record.get("result") or {}).get("stack_used")
    return paragraph(f"Of the stack {used:,} bytes were used.") if used else ""


def _arena(arena: dict) -> str:
    found = [
        Box(b["name"], _kind(b["name"]), b["first"], b["last"], b["offset"], b["size"])
        for b in arena["buffers"]
    ]
    if not found:
        return ""
    top = max(box.low + box.size for box in found)
    stages = arena["stages"]
    return figure(
        boxes("The arena over the stages", found, len(stages), top,
              f"stages of a step, from {stages[0]} to {stages[-1]}"),
        f"The arena, {top:,} bytes: who lies where, in bytes from its start, and in which of the "
        f"{len(stages)} stages.",
        ["buffer", "kind", "from byte", "bytes", "from stage", "to stage"],
        [[b.name, b.kind, b.low, b.size, f"{b.first} {stages[b.first]}",
          f"{b.last} {stages[b.last]}"] for b in sorted(found, key=lambda b: (b.first, b.low))],
    )


def _kind(name: str) -> str:
    return next((kind for kind, words in _KINDS if words.search(name)), "scratch")


def link_section(record: dict) -> str:
    found = record.get("link")
    if not found:
        return ""
    rows = [[name.replace("_", " "), value] for name, value in found.items()]
    executed = (record.get("result") or {}).get("executed_instructions")
    rows += [["instructions executed by the device", executed]] if executed else []
    said = "over all connections; what the device counts, since its last start"
    return section("Link", table([said, ""], rows))
