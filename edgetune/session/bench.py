"""Executed instructions of every stage of a training step, from the emulator's exact counter."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgetune.boards import Board, list_boards, load_board
from edgetune.dataclass import dataclass
from edgetune.device.qemu import ICOUNT_NS
from edgetune.errors import UsageError
from edgetune.learn.learner import Learner
from edgetune.learn.recipe import Recipe
from edgetune.link.client import Client
from edgetune.model.graph import Graph
from edgetune.plan.plan import Plan
from edgetune.plan.thrift import plan_within
from edgetune.plan.workload import nonzero_inputs
from edgetune.session.connection import connect
from edgetune.session.firmware import build_firmware
from edgetune.session.reporter import Reporter

PHASES = ("forward", "loss", "backward", "update")
COUNTERS = 4096  # bytes of RAM that the counters of the stages, and reading them, take at most


@dataclass(frozen=True)
class BenchResult:
    """Instructions, means over ``samples`` training steps in the midst of a run, whose first
    weights are the model's.

    ``stages``: one row a stage of the schedule, (layer, phase, instructions).
    ``step``: the whole step as the command loop sees it, the stages' calls included.
    """

    board: str
    core: str
    inputs: str
    samples: int
    stages: tuple[tuple[str, str, float], ...]
    step: float

    def phase(self, name: str) -> float:
        """Sum over the stages of one phase."""
        return sum(count for _, phase, count in self.stages if phase == name)

    def as_dict(self) -> dict:
        return {
            "board": self.board, "core": self.core, "inputs": self.inputs,
            "samples": self.samples, "step": self.step,
            "phases": {name: self.phase(name) for name in PHASES},
            "stages": [
                {"layer": layer, "phase": phase, "instructions": count}
                for layer, phase, count in self.stages
            ],
        }


def bench_board(core: str) -> Board:
    """The emulated board whose counter counts the instructions of ``core`` exactly.

    Raises:
        UsageError: no board of that core has such a counter.
    """
    for board in map(load_board, list_boards()):
        if board.core.name == core and "qemu" in board.emulators and _counts(board):
            return board
    raise UsageError(
        f"Instructions of {core} cannot be counted.",
        "No emulated board of this core has a counter that runs with the instruction count.",
        "Choose a core of boards list whose board is an MPS2 or MPS3.",
    )


def room_beside_counters(board: Board) -> int:
    """Bytes of its RAM for a plan that is to be counted."""
    return board.ram.length - COUNTERS


def _counts(board: Board) -> bool:
    return board.emulators["qemu"].get("counts_instructions", False)


def bench(
    graph: Graph,
    recipe: Recipe,
    core: str,
    folder: Path,
    data: tuple[np.ndarray, np.ndarray] | None = None,
    samples: int = 8,
    reporter: Reporter | None = None,
    ram: int | None = None,
) -> BenchResult:
    """Count the instructions of ``samples`` training steps on ``core``.

    Args:
        folder: where the firmware is built.
        ram: of the board whose plan is counted, bytes; None for the emulated one's own, less
            what counting takes.
        data: int8 inputs and labels to train on; None for random inputs without zeros, which
            show what the step costs when nothing can be skipped.

    Raises:
        ToolchainError: the compiler or QEMU is missing or fails.
    """
    board = bench_board(core)
    plan = plan_within(graph, recipe, board, ram=ram or room_beside_counters(board))
    return bench_plan(plan, folder, data, samples, reporter)


def bench_plan(
    plan: Plan,
    folder: Path,
    data: tuple[np.ndarray, np.ndarray] | None = None,
    samples: int = 8,
    reporter: Reporter | None = None,
) -> BenchResult:
    """`bench` of a plan for a board of `bench_board`."""
    board = plan.board
    firmware = build_firmware(plan, folder, "the model", profile=True)
    if data is None:
        x = nonzero_inputs(plan, samples)
        y = [plan.program.loss.any_target(i) for i in range(samples)]
    else:
        x, y = data[0][:samples], data[1][:samples]
    with connect(firmware, "qemu", reporter or Reporter(), icount=True) as client:
        client.start(0, 0)
        client.write_state(_under_way(plan, x[0], y[0]))
        stages, step = _count(client, x, map(plan.program.loss.encode, y))
    rows = tuple(
        (s.layer.name if s.layer else s.call, s.phase, count)
        for s, count in zip(plan.schedule.stages, stages)
    )
    inputs = "random, without zeros" if data is None else "the tuning set"
    return BenchResult(board.name, board.core.name, inputs, len(x), rows, step)


def _under_way(plan: Plan, x: np.ndarray, target) -> bytes:
    """The state of a device in the midst of a run."""
    learner = Learner(plan.program, plan.recipe)
    learner.under_way(x, target)
    return learner.state()


def _count(client: Client, x, targets) -> tuple[list[float], float]:
    """Mean instructions of each stage, and of a whole step."""
    totals, whole = 0, 0
    before = client.profile()
    for sample, target in zip(x, targets):
        client.train(sample.tobytes(), target)
        whole += _instructions(client, client.stats().step_ticks)
        after = client.profile()
        # Rounded step by step: a tick more or less must not add up.
        totals += np.array([
            _instructions(client, (b - a) % 2**32) for a, b in zip(before, after)
        ])
        before = after
    return (totals / len(x)).tolist(), whole / len(x)


def _instructions(client: Client, ticks: int) -> int:
    return round(ticks * 1e9 / (client.info.tick_hz * ICOUNT_NS))
