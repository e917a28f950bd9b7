"""The Plan: where every buffer lies, and what the model costs in flash and RAM."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from edgetune.boards import Board
from edgetune.dataclass import dataclass
from edgetune.errors import UsageError
from edgetune.learn.losses import SoftmaxCrossEntropy
from edgetune.learn.lower import lower
from edgetune.learn.operators import Softmax, WeightedLayer
from edgetune.learn.program import Layer, Program
from edgetune.learn.recipe import Recipe
from edgetune.learn.rules import Rule
from edgetune.learn.state import parameters_type, state_type
from edgetune.learn.widths import check_widths
from edgetune.model.graph import Graph
from edgetune.plan import cmsis_nn as cmsis
from edgetune.plan.buffers import LinkBuffers
from edgetune.plan.c_data import CObject, flash_bytes
from edgetune.plan.constants import (
    activation_constants,
    frozen_constants,
    layer_constants,
    loss_constants,
    trained_constants,
    update_constants,
)
from edgetune.plan.kept import free_ram, lay_out_schedule
from edgetune.plan.savings import NONE, Savings
from edgetune.plan.schedule import Schedule, make_schedule


@dataclass
class Plan:
    """Everything that the generator needs, and the exact sizes of what it will write.

    All sizes are bytes.  ``arena_bytes``: activations, errors and scratch of one step;
    ``state_bytes``: what learning changes; ``initial_bytes``: its first values in flash (none
    where the recipe resets the trained layers); ``frozen_bytes``: the weights and biases that stay
    as they are, in flash.  ``cmsis_nn``: the forward kernels are CMSIS-NN's.  ``store``: the board
    keeps what was learnt in its flash.  ``savings``: what was given up for RAM.
    """

    program: Program
    recipe: Recipe
    rule: Rule
    board: Board
    schedule: Schedule
    link: LinkBuffers
    arena_bytes: int
    state_bytes: int
    initial_bytes: int
    frozen_bytes: int
    cmsis_nn: bool = False
    store: bool = False
    savings: Savings = NONE

    def __repr__(self) -> str:
        """In one line: a notebook shows it."""
        layers = self.program.weighted_layers
        return (
            f"<Plan for {self.board.name}: {len(self.trained)} of {len(layers)} layers learn, "
            f"arena {self.arena_bytes:,} bytes, state {self.state_bytes:,} bytes>"
        )

    @property
    def trained(self) -> list[WeightedLayer]:
        return self.recipe.trained(self.program)

    def is_trained(self, layer: Layer) -> bool:
        return layer in self.trained

    def trained_index(self, layer: Layer) -> int:
        """Position of ``layer`` among the trained ones, -1 if it is not."""
        trained = self.trained
        return trained.index(layer) if layer in trained else -1

    @property
    def measured(self) -> bool:
        """Whether the cost tables know every kernel, frames and code included."""
        return all(k.measured for stage in self.schedule.stages for k in stage.kernels)

    def _learns_through(self, layer: Layer) -> bool:
        """Whether a step needs the constants that ``layer`` has for errors alone."""
        return (f"{layer.kind}_input_error", id(layer)) in self._calls

    @cached_property
    def _calls(self) -> frozenset[tuple[str, int]]:
        """What is called for which layer."""
        return frozenset((stage.call, id(stage.layer)) for stage in self.schedule.stages)

    @property
    def shared_table(self) -> Softmax | None:
        """The SOFTMAX whose table the loss can use as well."""
        last, loss = self.program.layers[-1], self.program.loss
        if type(last) is not Softmax or not isinstance(loss, SoftmaxCrossEntropy):
            return None
        return last if list(last.table) == list(loss.table) else None

    @property
    def constants(self) -> list[list[CObject]]:
        """The tables of the generated C in their order, weights and biases apart: the model's
        own activations, each layer, the loss, the trained layers, their updates."""
        program = self.program
        return [
            activation_constants(program),
            *(layer_constants(layer, program, self._learns_through(layer))
              for layer in program.layers),
            loss_constants(program.loss, self.shared_table),
            trained_constants(self.trained, self.rule, self.recipe.learns_weights),
            update_constants(self.schedule.stages),
        ]

    @property
    def frozen(self) -> list[CObject]:
        """Weights and biases that stay as they are, in flash."""
        return frozen_constants(
            self.program.weighted_layers, self.trained, self.recipe.learns_weights
        )

    @property
    def parameters_type(self) -> np.dtype:
        """What is trained, as the state block holds it."""
        return parameters_type(self.trained, self.recipe.learns_weights)

    @property
    def table_bytes(self) -> int:
        """Shapes, multipliers, constants and lookup tables in flash."""
        return sum(map(flash_bytes, self.constants))

    @property
    def input_bytes(self) -> int:
        return self.program.input_size

    @property
    def output_bytes(self) -> int:
        return self.program.activations[self.program.output].size

    @property
    def flash_length(self) -> int:
        """Of the board's flash what code, constants and weights may take."""
        store = self.board.store.length if self.store and self.board.store else 0
        return self.board.flash.length - store

def make_plan(
    graph: Graph, recipe: Recipe, board: Board, cmsis_nn: bool = False, *,
    ram: int | None = None, store: bool = False, savings: Savings = NONE, tight: bool = False,
) -> Plan:
    """Plan ``graph`` under ``recipe`` for ``board``.

    Args:
        cmsis_nn: plan for CMSIS-NN's forward kernels instead of the engine's own.
        ram: bytes that gradients are kept for as if the board had no more; None for its own.
        store: keep what was learnt in the board's flash.
        savings: what is given up for RAM.
        tight: where the arena finds no room it is laid out in other orders too.

    Raises:
        ModelError: a layer whose sums could leave 32 bits.
        UsageError: the recipe names what the model does not have, or what cannot be trained; or
            the board has no flash for the store.
    """
    if store:
        check_store(board)
    program = lower(graph, recipe.loss_choice)
    libraries = frozenset({cmsis.NAME} if cmsis_nn else ())
    schedule = make_schedule(program, recipe, board.core, libraries, savings)
    trained, weights = recipe.trained(program), recipe.learns_weights
    check_widths(program, trained, weights)
    rule = recipe.rule_for(program)
    state = state_type(trained, type(rule), weights).itemsize
    link = LinkBuffers.for_model(
        program.input_size, program.loss.target_bytes,
        program.activations[program.output].size, savings,
    )
    room = (ram or board.ram.length) - state - link.total - free_ram(schedule)
    frozen = frozen_constants(program.weighted_layers, trained, weights)
    return Plan(
        program=program,
        recipe=recipe,
        rule=rule,
        board=board,
        schedule=schedule,
        link=link,
        arena_bytes=lay_out_schedule(schedule, room, tight),
        state_bytes=state,
        initial_bytes=0 if recipe.reset else parameters_type(trained, weights).itemsize,
        frozen_bytes=flash_bytes(frozen),
        cmsis_nn=cmsis_nn,
        store=store,
        savings=savings,
    )


def check_store(board: Board) -> None:
    """UsageError where ``board`` has no flash that could keep what was learnt."""
    if board.store is None:
        why = (
            "Its board.toml has no table [store]." if board.geometry
            else "Firmware cannot write the memory that it lies in, or nobody wrote a driver."
        )
        raise UsageError(
            f"{board.title} has no flash to keep what was learnt in.", why,
            "Leave --store out, or choose a board with a store: edgetune boards list",
        )
