"""Refuses a plan that is larger than the chip, and works out what would fit."""

from __future__ import annotations

from dataclasses import replace

from edgetune.boards import list_boards, load_board
from edgetune.errors import DoesNotFitError
from edgetune.plan.cost import Estimate, LayerBytes, estimate
from edgetune.plan.plan import Plan
from edgetune.plan.thrift import plan_within

NAMED = 3  # layers that the message names


def check_fit(plan: Plan, cost: Estimate) -> None:
    """Refuse ``plan`` where its flash or its RAM, stack included, exceeds the chip's.

    Raises:
        DoesNotFitError: what it needs and what there is, the layers that cost most, and what
            to train instead or a board that has the room.
    """
    if not (lacks := _lacks(plan, cost)):
        return
    raise DoesNotFitError(
        f"The model does not fit {plan.board.title}: {' and '.join(lacks)}.",
        _cause(plan, cost),
        _advice(plan),
    )


def _lacks(plan: Plan, cost: Estimate) -> list[str]:
    found = [
        ("flash", cost.flash_bytes, plan.flash_length),
        ("RAM", cost.ram_bytes, plan.board.ram.length),
    ]
    if plan.store and plan.board.store:
        found.append(("the store's slot", plan.state_bytes, plan.board.store.capacity))
    return [
        f"it needs {need:,} bytes of {kind}, the chip has {have:,}"
        for kind, need, have in found if need > have
    ]


def _cause(plan: Plan, cost: Estimate) -> str:
    board = plan.board
    causes = []
    if cost.ram_bytes > board.ram.length:
        most = sorted(cost.layers, key=lambda layer: -layer.ram)[:NAMED]
        causes.append(
            f"Most RAM goes to {'; '.join(map(_ram_of, most))}. Beside the layers, buffers of "
            f"the link take {cost.link_bytes:,} bytes, the stack {cost.stack_bytes:,}."
        )
    if cost.flash_bytes > plan.flash_length:
        most = sorted(cost.layers, key=lambda layer: -layer.weights)[:NAMED]
        weights = ", ".join(f"{layer.layer} ({layer.weights:,} bytes)" for layer in most)
        causes.append(f"Most flash goes to the weights of {weights}; code is {cost.code_bytes:,}.")
    return " ".join(causes)


def _ram_of(layer: LayerBytes) -> str:
    parts = {
        "weights": layer.learnt, "activations": layer.activations, "errors": layer.errors,
        "scratch": layer.scratch,
    }
    listed = ", ".join(f"{name} {size:,}" for name, size in parts.items() if size)
    return f"{layer.layer} ({layer.ram:,} bytes: {listed})"


def _advice(plan: Plan) -> str:
    fewer, board = _fewer_layers(plan), _larger_board(plan)
    if fewer and board:
        return f"{fewer} Or choose a board with the room: --board {board}."
    if fewer or board:
        return fewer or f"Choose a board with the room: --board {board}."
    return "Choose a smaller model: not even its last layer alone can be trained here."


def _fewer_layers(plan: Plan) -> str:
    """The most of the last trained layers that fit, as an option; "" where none do."""
    names = [layer.name for layer in plan.trained]
    for first in range(1, len(names)):
        recipe = replace(plan.recipe, layers=tuple(names[first:]))
        graph, board = plan.program.graph, plan.board
        smaller = plan_within(graph, recipe, board, plan.cmsis_nn, store=plan.store)
        cost = estimate(smaller)
        if not _lacks(smaller, cost):
            return (
                f"Train fewer layers: --layers {','.join(names[first:])} needs "
                f"{cost.ram_bytes:,} bytes of RAM and {cost.flash_bytes:,} of flash."
            )
    return ""


def _larger_board(plan: Plan) -> str:
    """The board with the least RAM of those that have the room, of the same maker where one is."""
    maker = plan.board.maker
    for board in sorted(
        map(load_board, list_boards()), key=lambda b: (b.maker != maker, b.ram.length)
    ):
        if plan.store and board.store is None:
            continue
        other = plan_within(
            plan.program.graph, plan.recipe, board, plan.cmsis_nn, store=plan.store
        )
        if not _lacks(other, estimate(other)):
            return board.name
    return ""
