"""A plan that fits a chip's RAM, by giving up as little as that takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from edgetune.boards import Board
from edgetune.learn.recipe import Recipe
from edgetune.model.graph import Graph
from edgetune.plan.arena import peak
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
    if cmsis_nn:
        return found
    least, choices = estimate(found).ram_bytes, _choices(first)
    while least > board.ram.length:
        savings = next(choices, None) or _plainer(found)
        if savings is None:
            return first
        thriftier = plan(savings.added_to(found.savings))
        if (needed := estimate(thriftier).ram_bytes) < least:
            found, least = thriftier, needed
        elif savings.plain:
            return first
    return found


def _choices(first: Plan) -> Iterator[Savings]:
    """One by one, the cheapest first."""
    if first.link.rx_ring > SMALL_RING:
        yield Savings(small_ring=True)
    if first.program.loss.target_bytes <= SHARED_TARGET:
        yield Savings(shared_frame=True)
    for layer in cheap_layers(first.program):
        yield Savings(again=frozenset({layer.name}))


def _plainer(plan: Plan) -> Savings | None:
    name = _at_peak(plan)
    return Savings(plain=frozenset({name})) if name else None


def _at_peak(plan: Plan) -> str:
    """The layer whose kernel's scratch is part of the arena's peak; "" where none is."""
    schedule = plan.schedule
    inside = [buffer for buffer in schedule.buffers if not buffer.outside]
    stage = schedule.stages[peak(inside, len(schedule.stages))[1]]
    return stage.layer.name if stage.layer and "scratch" in stage.buffers else ""


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
