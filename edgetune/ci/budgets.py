"""RAM and instructions of a job, and where each figure comes from."""

from __future__ import annotations

from edgetune.build.toolchain import find_cross_gcc, find_make
from edgetune.ci.shared import Shared
from edgetune.dataclass import dataclass
from edgetune.device.qemu import find_qemu
from edgetune.errors import ToolchainError, UsageError
from edgetune.session.bench import BenchResult, bench, bench_board
from edgetune.session.firmware import Firmware
from edgetune.session.job import Job

SAMPLES = 8


@dataclass(frozen=True)
class Figure:
    """``value`` in bytes or instructions; ``source``: "image", "plan" or "bench"; ``words`` say
    what was counted."""

    value: int
    source: str
    words: str


def ram_of(job: Job, firmware: Firmware | None) -> Figure:
    """Variables and buffers of the linked image, or of the plan where there is no image of the
    board; and the most that the stack can take, by the plan."""
    sizes = firmware.build.sizes if firmware else None
    static = sizes.static_ram if sizes else job.estimate.variable_bytes
    stack = job.estimate.stack_bytes
    where = "in the linked image" if sizes else "by the plan"
    words = f"variables {static:,} {where}, stack at most {stack:,} by the plan"
    return Figure(static + stack, "image" if sizes else "plan", words)


def instructions_of(job: Job, shared: Shared, on_data: bool) -> Figure:
    """Of a training step on the board's core: counted by QEMU, exact and repeatable, or the
    plan's estimate where it cannot be counted.

    Args:
        on_data: count on the first samples of the job's data, not on random ones without zeros.
    """
    core = job.board.core.name
    try:
        _check_countable(core)
    except (ToolchainError, UsageError) as error:
        words = f"estimated by the plan, not counted in QEMU: {error.message}"
        return Figure(job.estimate.step_instructions, "plan", words)
    inputs = repr(job.source) if on_data else "random"
    found = shared.counted(job, (core, inputs), lambda folder: _count(job, folder, on_data))
    words = f"counted in QEMU on {found['board']} ({core}), inputs: {found['inputs']}"
    return Figure(found["step"], "bench", words)


def _check_countable(core: str) -> None:
    find_qemu(), find_cross_gcc(), find_make()
    bench_board(core)


def _count(job: Job, folder, on_data: bool) -> dict:
    samples = (job.data.tune_x, job.data.tune_y) if on_data else None
    core, ram = job.board.core.name, job.board.ram.length
    result: BenchResult = bench(
        job.graph, job.recipe, core, folder / "project", samples, SAMPLES, ram=ram
    )
    return {"board": result.board, "inputs": result.inputs, "step": round(result.step)}
