"""A plan that fits a chip's RAM, by giving up as little as that takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from edgetune.boards import Board
from edgetune.dataclass import dataclass
from edgetune.learn.recipe import Recipe
from edgetune.model.graph import Graph
from edgetune.plan.buffers import SMALL_RING
from edgetune.plan.cost import Estimate, estimate
from edgetune.plan.kept import kept_gradients
from edgetune.plan.plan import Plan, make_plan
from edgetune.plan.savings import NONE, Savings, cheap_layers

SHARED_TARGET = 64  # bytes: larger ones are not copied out of the frame


@dataclass(frozen=True)
class Price:
    """What one saving brought: bytes of RAM, and instructions of a step that it costs."""

    what: str
    bytes: int
    instructions: int


def plan_within(
    graph: Graph, recipe: Recipe, board: Board, cmsis_nn: bool = False, *, store: bool = False,
) -> Plan:
    """`make_plan`, thriftily where it takes more RAM than the board has.

    What costs least is given up first: gradients that are kept whole, the head start of the next
    sample, outputs that are cheap to compute again, kernels with scratch.  Where all of that
    does not do, the plan is the one that gives up nothing.
    """
    def plan(savings: Savings) -> Plan:
        return make_plan(graph, recipe, board, cmsis_nn, store=store, savings=savings)

    first = found = plan(NONE)
    least, room = estimate(found).ram_bytes, board.ram.length
    if cmsis_nn or least <= room:
        return found
    for savings in _choices(first):
        thriftier = plan(savings.added_to(found.savings))
        if (needed := estimate(thriftier).ram_bytes) < least:
            found, least = thriftier, needed
        if least <= room:
            return found
    while name := _fullest(found):
        found = plan(Savings(plain=frozenset({name})).added_to(found.savings))
        if estimate(found).ram_bytes <= room:
            return found
    return first


def _choices(first: Plan) -> Iterator[Savings]:
    """One by one, the cheapest first."""
    if first.link.rx_ring > SMALL_RING:
        yield Savings(small_ring=True)
    if first.program.loss.target_bytes <= SHARED_TARGET:
        yield Savings(shared_frame=True)
    for layer in cheap_layers(first.program):
        yield Savings(again=frozenset({layer.name}))


def _fullest(plan: Plan) -> str:
    """The layer of the stage, of those whose kernels have scratch, at which most bytes are alive;
    "" where none has any."""
    schedule = plan.schedule
    inside = [buffer for buffer in schedule.buffers if not buffer.outside]
    alive = {
        sum(b.size for b in inside if b.first <= number <= b.last): stage.layer.name
        for number, stage in enumerate(schedule.stages)
        if stage.layer and "scratch" in stage.buffers
    }
    return alive[max(alive)] if alive else ""


def prices(plan: Plan) -> list[Price]:
    """Of each choice that made ``plan`` smaller, one on top of the other; [] where none did."""
    if plan.savings == NONE:
        return []
    graph, recipe, board = plan.program.graph, plan.recipe, plan.board
    rows: list[Price] = []
    before: Estimate | None = None
    for what, savings in [("", NONE), *_steps(plan)]:
        smallest = make_plan(graph, recipe, board, plan.cmsis_nn, ram=1, store=plan.store,
                             savings=savings)
        now = estimate(smallest)
        if before:
            rows.append(_price(what, before, now))
        elif any(not kept for kept in kept_gradients(plan.schedule).values()):
            whole = make_plan(graph, recipe, board, plan.cmsis_nn, ram=1 << 30, store=plan.store)
            rows.append(_price("gradients formed twice, not kept", estimate(whole), now))
        before = now
    if before and (last := estimate(plan)).ram_bytes > before.ram_bytes:
        rows.append(_price("gradients kept in what is left", before, last))
    return rows


def _price(what: str, before: Estimate, now: Estimate) -> Price:
    return Price(what, before.ram_bytes - now.ram_bytes,
                 now.step_instructions - before.step_instructions)


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
    for name in sorted(all_of.plain):
        savings = replace(savings, plain=savings.plain | {name})
        yield f"{name} by kernels without scratch", savings
