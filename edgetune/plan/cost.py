"""What a plan costs in flash, RAM and instructions, before anything is built."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import asdict
from functools import cached_property

from edgetune.dataclass import dataclass
from edgetune.learn.operators import WeightedLayer
from edgetune.learn.program import Layer
from edgetune.learn.state import parameter_bytes
from edgetune.plan.cost_table import CostTable, load_costs, vector_bytes
from edgetune.plan.instructions import STEP, StageCost, count_instructions
from edgetune.plan.model_code import model_code_bytes
from edgetune.plan.parts import linked_parts, stack_bound
from edgetune.plan.plan import Plan
from edgetune.plan.schedule import Stage

SECTION_ALIGNMENT = 32  # of .data and .bss

# What the store takes at most, on any core and with any driver of the tree: bytes of code, of
# variables beside two units, and of stack below a request.  tests/firmware holds builds to it.
STORE_CODE = 4608
STORE_STATIC = 224
STORE_STACK = 512


@dataclass(frozen=True)
class LayerBytes:
    """What one layer takes: its weights and biases, what of these is ``learnt`` and lies in RAM,
    its output, the error of its output, and its scratch."""

    layer: str
    trained: bool
    weights: int
    learnt: int
    activations: int
    errors: int
    scratch: int

    @property
    def ram(self) -> int:
        """Upper bound: buffers that do not live at once share memory."""
        return self.learnt + self.activations + self.errors + self.scratch


@dataclass(frozen=True)
class Estimate:
    """Bytes, and instructions of one training step on inputs without zeros.

    ``code_bytes``: all flash that is neither tables nor weights.  ``link_bytes``: the frame,
    the kept replies and the receive ring.  ``static_bytes``: all other variables.
    ``stack_bytes``: what the stack can never exceed, where the board's port was measured.
    """

    plan: Plan
    table: CostTable
    code_bytes: int
    table_bytes: int
    weight_bytes: int
    arena_bytes: int
    state_bytes: int
    link_bytes: int
    static_bytes: int
    stack_bytes: int
    layers: tuple[LayerBytes, ...]

    @property
    def flash_bytes(self) -> int:
        return self.code_bytes + self.table_bytes + self.weight_bytes

    @property
    def ram_bytes(self) -> int:
        """Stack included."""
        return self.variable_bytes + self.stack_bytes

    @property
    def variable_bytes(self) -> int:
        """Stack not included."""
        return self.arena_bytes + self.state_bytes + self.link_bytes + self.static_bytes

    @cached_property
    def stages(self) -> list[StageCost]:
        """Instructions, one row a stage; worked out when first asked for."""
        return count_instructions(self.plan, self.table)

    @property
    def step_instructions(self) -> int:
        """Of a whole training step."""
        return round(sum(stage.instructions for stage in self.stages))

    @property
    def forward_instructions(self) -> int:
        return self.phase_instructions("forward")

    def phase_instructions(self, phase: str) -> int:
        """Of the stages of ``phase``: "forward", "loss", "backward" or "update"."""
        return round(sum(s.instructions for s in self.stages if s.phase == phase))

    def as_dict(self) -> dict:
        """All of it, for ``--json``; bytes and instructions."""
        sizes = ("flash", "ram", "code", "table", "weight", "arena", "state", "link", "static",
                 "stack")
        return {f"{name}_bytes": getattr(self, f"{name}_bytes") for name in sizes} | {
            "step_instructions": self.step_instructions,
            "forward_instructions": self.forward_instructions,
            "layers": [asdict(layer) for layer in self.layers],
            "stages": [asdict(stage) for stage in self.stages if stage.phase != STEP],
        }


def estimate(plan: Plan) -> Estimate:
    """What ``plan`` costs on its board.

    Raises:
        EdgetuneError: the board's core was never measured.
    """
    table = load_costs(plan)
    parts = linked_parts(plan, table)
    code = sum(part.get("flash", 0) for part in parts.values())
    static = sum(part.get("ram", 0) for part in parts.values())
    stack = stack_bound(plan, parts)
    if plan.store and plan.board.store:
        code, stack = code + STORE_CODE, stack + STORE_STACK
        static += STORE_STATIC + 2 * plan.board.store.unit
    return Estimate(
        plan=plan,
        table=table,
        code_bytes=code + vector_bytes(plan.board) + model_code_bytes(plan, table),
        table_bytes=plan.table_bytes,
        weight_bytes=plan.initial_bytes + plan.frozen_bytes,
        arena_bytes=plan.arena_bytes,
        state_bytes=plan.state_bytes,
        link_bytes=plan.link.total,
        static_bytes=static + 2 * SECTION_ALIGNMENT,
        stack_bytes=stack,
        layers=_bytes_of_layers(plan),
    )


def _bytes_of_layers(plan: Plan) -> tuple[LayerBytes, ...]:
    stages: dict[int, list[Stage]] = defaultdict(list)
    for stage in plan.schedule.stages:
        stages[id(stage.layer)].append(stage)
    return tuple(_layer_bytes(plan, layer, stages[id(layer)]) for layer in plan.program.layers)


def _layer_bytes(plan: Plan, layer: Layer, stages: list[Stage]) -> LayerBytes:
    forward = next(stage for stage in stages if stage.phase == "forward")
    errors = {id(s.buffers["e"]): s.buffers["e"] for s in stages if "e" in s.buffers}
    tensors = re.compile(r"x\d*|y|e|e_in")
    scratch = [
        b for s in stages for role, b in s.buffers.items() if not tensors.fullmatch(role)
    ]
    trained, weights = plan.is_trained(layer), plan.recipe.learns_weights
    return LayerBytes(
        layer=layer.name,
        trained=trained,
        weights=parameter_bytes(layer) if isinstance(layer, WeightedLayer) else 0,
        learnt=parameter_bytes(layer, weights)
        if trained and isinstance(layer, WeightedLayer) else 0,
        activations=forward.buffers["y"].size,
        errors=sum(buffer.size for buffer in errors.values()),
        scratch=sum(buffer.size for buffer in scratch),
    )
