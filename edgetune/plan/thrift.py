"""A plan that fits a chip's RAM, by giving up as little as that takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from edgetune.boards import Board
from edgetune.dataclass import dataclass
from edgetune.learn.recipe import Recipe
from edgetune.model.graph import Graph
from edgetune.plan.arena import alive
from edgetune.plan.buffers import SMALL_RING
from edgetune.plan.cost import Estimate, estimate
from edgetune.plan.kept import kept_gradients
from edgetune.plan.plan import Plan, make_plan
from edgetune.plan.savings import NONE, Savings, cheap_layers
from edgetune.plan.schedule import Stage, could_run_over

SHARED_TARGET = 64  # bytes: larger ones are not copied out of the frame
KEPT = "gradients kept in what is left"  # what a plan spends of the RAM that it saved


@dataclass(frozen=True)
class Price:
    """What one saving brought: bytes of RAM, and instructions of a step that it costs."""

    what: str
    bytes: int
    instructions: int


def plan_within(
    graph: Graph, recipe: Recipe, board: Board, cmsis_nn: bool = False, *, store: bool = False,
    ram: int | None = None,
) -> Plan:
    """`make_plan`, thriftily where it takes more RAM than the board has.

    What costs least is given up first: gradients that are kept whole, the head start of the next
    sample, outputs that are cheap to compute again; then at the stage at which most is alive a
    place of its own for the output, or a kernel with scratch.  Of these none stays that the plan
    fits without.  Where all of that does not do, the plan is the one that gives up nothing.

    Args:
        ram: bytes that it is to fit into; None for the board's.
    """
    def plan(savings: Savings) -> Plan:
        return make_plan(
            graph, recipe, board, cmsis_nn, ram=ram, store=store, savings=savings, tight=True
        )

    first = found = plan(NONE)
    least, room = estimate(found).ram_bytes, ram or board.ram.length
    if cmsis_nn or least <= room:
        return found
    for savings in _choices(first):
        thriftier = plan(savings.added_to(found.savings))
        if (needed := estimate(thriftier).ram_bytes) < least:
            found, least = thriftier, needed
        if least <= room:
            return found
    given, tried = [], found.savings
    while least > room:
        if not (more := _fullest(found, tried)):
            return first
        tried = more.added_to(tried)
        thriftier = plan(more.added_to(found.savings))
        needed = estimate(thriftier).ram_bytes
        if more.plain or needed <= least:  # one without a place of its own ties others to its own
            found, least = thriftier, needed
            given.append(more)
    for one in given[-2::-1]:
        if estimate(fewer := plan(found.savings.without(one))).ram_bytes <= room:
            found = fewer
    return found


def _choices(first: Plan) -> Iterator[Savings]:
    """One by one, the cheapest first."""
    if first.link.rx_ring > SMALL_RING:
        yield Savings(small_ring=True)
    if first.program.loss.target_bytes <= SHARED_TARGET:
        yield Savings(shared_frame=True)
    for layer in cheap_layers(first.program):
        yield Savings(again=frozenset({layer.name}))


def _fullest(plan: Plan, tried: Savings) -> Savings | None:
    """What the stage at which most bytes are alive can give up that was not ``tried``, of those
    that have something left; None where none has."""
    schedule = plan.schedule
    inside = [buffer for buffer in schedule.buffers if not buffer.outside]
    left = [
        (alive(inside, number), savings)
        for number, stage in enumerate(schedule.stages)
        if (savings := _left(plan, tried, number, stage))
    ]
    return max(left, key=lambda one: one[0])[1] if left else None


def _left(plan: Plan, tried: Savings, number: int, stage: Stage) -> Savings | None:
    """What ``stage`` can still give up, the larger saving first."""
    over, plain = stage.name not in tried.over, stage.name not in tried.plain
    if over and could_run_over(plan.program, plan.board.core, stage, number):
        return Savings(over=frozenset({stage.name}))
    if plain and stage.layer and "scratch" in stage.buffers:
        return Savings(plain=frozenset({stage.name}))
    return None


def prices(plan: Plan) -> list[Price]:
    """Of each choice that made ``plan`` smaller, one on top of the other; [] where none did."""
    if plan.savings == NONE:
        return []
    graph, recipe, board = plan.program.graph, plan.recipe, plan.board
    rows: list[Price] = []
    before: Estimate | None = None
    for what, savings in [("", NONE), *_steps(plan)]:
        smallest = make_plan(graph, recipe, board, plan.cmsis_nn, ram=1, store=plan.store,
                             savings=savings, tight=True)
        now = estimate(smallest)
        if before:
            rows.append(_price(what, before, now))
        elif any(not kept for kept in kept_gradients(plan.schedule).values()):
            whole = make_plan(graph, recipe, board, plan.cmsis_nn, ram=1 << 30, store=plan.store)
            rows.append(_price("gradients formed twice, not kept", estimate(whole), now))
        before = now
    if before and (last := estimate(plan)).ram_bytes > before.ram_bytes:
        rows.append(_price(KEPT, before, last))
    return rows


def together(rows: Sequence[Price]) -> list[list[Price]]:
    """``rows`` in groups, each of which saves RAM; what saves none at the end belongs to the last.

    RAM is what the fullest stage of a step takes.  Where several are as full, what relieves one of
    them saves nothing before the others are relieved too.
    """
    groups: list[list[Price]] = []
    for row in rows:
        if not groups or row.what == KEPT or sum(one.bytes for one in groups[-1]) > 0:
            groups.append([])
        groups[-1].append(row)
    savings = [group for group in groups if group[0].what != KEPT]
    if len(savings) > 1 and sum(one.bytes for one in savings[-1]) <= 0:
        savings[-2].extend(savings[-1])
        groups.remove(savings[-1])
    return groups


def _price(what: str, before: Estimate, now: Estimate) -> Price:
    return Price(what, before.ram_bytes - now.ram_bytes,
                 now.step_instructions - before.step_instructions)


_OVER = {
    "forward": "output over its input",
    "again": "output, computed again, over its input",
    "backward": "input's error over what it reads",
}


def _steps(plan: Plan) -> Iterator[tuple[str, Savings]]:
    savings, all_of = NONE, plan.savings
    if all_of.small_ring:
        savings = replace(savings, small_ring=True)
        yield "a small receive ring: samples do not travel while one is learnt", savings
    if all_of.shared_frame:
        savings = replace(savings, shared_frame=True)
        yield "the sample's frame in the arena", savings
    for name in sorted(all_of.again):
        savings = replace(savings, again=savings.again | {name})
        yield f"the output of {name} computed again", savings
    for name in sorted(all_of.over):
        savings = replace(savings, over=savings.over | {name})
        layer, part = name.split()
        yield f"{layer} writes its {_OVER[part]}", savings
    for name in sorted(all_of.plain):
        savings = replace(savings, plain=savings.plain | {name})
        yield f"{name} by kernels without scratch", savings
