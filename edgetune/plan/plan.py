"""The Plan: where every buffer lies, and what the model costs in flash and RAM."""

from __future__ import annotations

from dataclasses import dataclass

from edgetune.boards import Board
from edgetune.learn.losses import SoftmaxCrossEntropy
from edgetune.learn.lower import lower
from edgetune.learn.operators import Lookup, Softmax, WeightedLayer
from edgetune.learn.program import Program
from edgetune.learn.recipe import Recipe
from edgetune.learn.widths import check_widths
from edgetune.model.graph import Graph
from edgetune.plan import cmsis_nn as cmsis
from edgetune.plan.arena import lay_out
from edgetune.plan.buffers import LinkBuffers
from edgetune.plan.schedule import Schedule, make_schedule
from edgetune.plan.tables import (
    LEARNER_BYTES,
    NULL_MASS_BYTES,
    TRAINED_BYTES,
    constant_bytes,
    loss_bytes,
    parameter_bytes,
    table_bytes,
)


@dataclass
class Plan:
    """Everything that the generator needs, and the exact sizes of what it will write.

    All sizes are bytes.  ``arena_bytes``: activations, errors and scratch of one step;
    ``state_bytes``: what learning changes; ``initial_bytes``: its first values in flash (none
    where the recipe resets the trained layers); ``frozen_bytes``: the other layers' weights in
    flash; ``table_bytes``: shapes, multipliers, constants and lookup tables in flash.
    ``cmsis_nn``: the forward kernels are CMSIS-NN's.
    """

    program: Program
    recipe: Recipe
    board: Board
    schedule: Schedule
    link: LinkBuffers
    arena_bytes: int
    state_bytes: int
    initial_bytes: int
    frozen_bytes: int
    table_bytes: int
    cmsis_nn: bool = False

    @property
    def trained(self) -> list[WeightedLayer]:
        return self.recipe.trained(self.program)

    def is_trained(self, layer) -> bool:
        return layer in self.trained

    def trained_index(self, layer) -> int:
        """Position of ``layer`` among the trained ones, -1 if it is not."""
        return self.trained.index(layer) if layer in self.trained else -1

    def scales_error(self, layer) -> bool:
        """Whether a step multiplies the errors of ``layer`` by its channels' scales."""
        return any(s.call == "error_scale" and s.layer is layer for s in self.schedule.stages)

    def passes_error(self, layer) -> bool:
        """Whether a step passes an error through ``layer``."""
        call = f"{layer.kind}_input_error"
        return any(s.call == call and s.layer is layer for s in self.schedule.stages)

    @property
    def shared_table(self) -> Softmax | None:
        """The SOFTMAX whose table the loss can use as well."""
        last, loss = self.program.layers[-1], self.program.loss
        if not isinstance(last, Softmax) or not isinstance(loss, SoftmaxCrossEntropy):
            return None
        return last if list(last.table) == list(loss.table) else None

    @property
    def input_bytes(self) -> int:
        return self.program.activations[self.program.input].size

    @property
    def output_bytes(self) -> int:
        return self.program.activations[self.program.output].size


def make_plan(graph: Graph, recipe: Recipe, board: Board, cmsis_nn: bool = False) -> Plan:
    """Plan ``graph`` under ``recipe`` for ``board``.

    Args:
        cmsis_nn: plan for CMSIS-NN's forward kernels instead of the engine's own.

    Raises:
        ModelError: a layer whose sums could leave 32 bits.
        UsageError: the recipe names what the model does not have, or what cannot be trained.
    """
    program = lower(graph, recipe.loss_choice)
    libraries = frozenset({cmsis.NAME} if cmsis_nn else ())
    schedule = make_schedule(program, recipe, board.core, libraries)
    arena = lay_out([b for b in schedule.buffers if not b.outside])
    trained = recipe.trained(program)
    check_widths(program, trained)
    parameters = sum(parameter_bytes(layer) for layer in trained)
    frozen = [layer for layer in program.weighted_layers if layer not in trained]
    activations = program.activations
    plan = Plan(
        program=program,
        recipe=recipe,
        board=board,
        schedule=schedule,
        link=LinkBuffers.for_model(
            activations[program.input].size, program.loss.target_bytes,
            activations[program.output].size,
        ),
        arena_bytes=arena,
        state_bytes=LEARNER_BYTES + NULL_MASS_BYTES * len(trained) + parameters,
        initial_bytes=0 if recipe.reset else parameters,
        frozen_bytes=sum(parameter_bytes(layer) for layer in frozen),
        table_bytes=0,
        cmsis_nn=cmsis_nn,
    )
    plan.table_bytes = _all_tables(plan)
    return plan


def _all_tables(plan: Plan) -> int:
    loss = loss_bytes(plan.program.loss, plan.shared_table is not None)
    layers = sum(table_bytes(layer, plan.scales_error(layer)) for layer in plan.program.layers)
    layers += sum(
        layer.slopes.nbytes for layer in plan.program.layers
        if isinstance(layer, Lookup) and plan.passes_error(layer)
    )
    constants = sum(constant_bytes(a) for a in plan.program.activations)
    return layers + constants + loss + TRAINED_BYTES * len(plan.trained)
