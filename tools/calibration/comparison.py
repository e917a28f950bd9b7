"""One model on one board: what the plan says, what the image is, what the emulator measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgetune.boards import load_board
from edgetune.learn.recipe import Recipe
from edgetune.model.graph import Graph
from edgetune.model.read import read_tflite
from edgetune.plan.cost import estimate
from edgetune.plan.plan import make_plan
from edgetune.plan.workload import nonzero_inputs
from edgetune.session.bench import bench
from edgetune.session.connection import connect
from edgetune.session.cost_check import CostRow, compare_build
from edgetune.session.firmware import Firmware, build_firmware
from edgetune.session.reporter import Reporter
from tests.support.tiny_tflite import ModelBuilder

ROOT = Path(__file__).parents[2]
EXACT = ("table", "weight", "arena", "state")
CODE_SHARE, STACK_BYTES = 0.05, 512
STEP_SHARE, STEP_SHARE_DSP = 0.10, 0.03  # without the DSP extension, and with it
SAMPLES = 12


def _shared(name: str) -> Callable[[], Graph]:
    return lambda: read_tflite(ROOT.parent / "shared" / "data" / f"{name}_int8.tflite")


def _image() -> Graph:
    b = ModelBuilder((1, 20, 16, 3), seed=101)
    b.conv(12, 3, stride=2, activation="RELU").depthwise(3, multiplier=2, activation="RELU6")
    b.conv(20, 1, activation="RELU").max_pool(2, stride=1).conv(10, (3, 2), padding="VALID")
    return read_tflite(b.average_pool(2).dense(11).softmax().build())


def _deep() -> Graph:
    b = ModelBuilder((1, 12, 12, 4), seed=102)
    for filters in (10, 14, 18):
        b.depthwise(3, activation="RELU").conv(filters, 1, activation="RELU")
    return read_tflite(b.mean().dense(6).build())


def _dense() -> Graph:
    b = ModelBuilder((1, 57), seed=103).dense(40, activation="RELU")
    return read_tflite(b.dense(9, activation="RELU").dense(4).softmax().build())


def _branched() -> Graph:
    b = ModelBuilder((1, 10, 11, 3), seed=104).conv(9, 3, activation="RELU")
    before = b.save()
    b.conv(9, 3, dilation=2).unary("TANH", scale=1 / 128, zero_point=0)
    b.join("ADD", before, activation="RELU")
    b.depthwise(3, stride=2, activation="RELU").conv(7, 1, activation="RELU")
    return read_tflite(b.average_pool(2).dense(8).softmax().build())


# The last four are of shapes that no calibration model has.
MODELS: dict[str, Callable[[], Graph]] = {
    "digits": lambda: read_tflite(ROOT / "examples" / "digits" / "digits_int8.tflite"),
    "har": _shared("har"), "mnist": _shared("mnist"), "kws": _shared("kws"),
    "image": _image, "deep": _deep, "dense": _dense,
    "branched": _branched,
}


@dataclass(frozen=True)
class Comparison:
    """``rows``: of the image; ``stack``: the bound and the watermark, bytes, None of a board that
    QEMU lacks; ``step`` and ``forward``: instructions as planned and as counted on a board of the
    same core; ``step_share``: how far the step's may be off."""

    rows: dict[str, CostRow]
    stack: CostRow | None
    step: CostRow
    forward: CostRow
    step_share: float


def compare(board: str, model: str, folder: Path, recipe: Recipe | None = None) -> Comparison:
    """Build, run and count.

    Raises:
        ToolchainError: the compiler or QEMU is missing.
        DoesNotFitError: the model is too large for the board.
    """
    recipe = recipe or Recipe()
    plan = make_plan(MODELS[model](), recipe, load_board(board))
    cost = estimate(plan)
    firmware = build_firmware(plan, folder / "firmware", model)
    counted = bench(
        plan.program.graph, recipe, plan.board.core.name, folder / "bench",
        ram=plan.board.ram.length,
    )
    rows = {row.name: row for row in compare_build(cost, firmware)}
    return Comparison(
        rows,
        CostRow("stack", cost.stack_bytes, watermark(firmware))
        if "qemu" in plan.board.emulators else None,
        CostRow("step", cost.step_instructions, round(counted.step)),
        CostRow("forward", cost.forward_instructions, round(counted.phase("forward"))),
        STEP_SHARE_DSP if plan.board.core.dsp else STEP_SHARE,
    )


def watermark(firmware: Firmware) -> int:
    """Most bytes of stack used, after every kind of request."""
    plan = firmware.plan
    x = nonzero_inputs(plan, SAMPLES)
    with connect(firmware, "qemu", Reporter()) as client:
        client.start(0, 0)
        loss = plan.program.loss
        samples = ((s.tobytes(), loss.encode(loss.any_target(i))) for i, s in enumerate(x))
        for _ in client.train_many(samples):
            pass
        client.infer(x[0].tobytes())
        client.write_state(client.read_state())
        client.digest(full=True)
        return client.stats().stack_used


def misses(found: Comparison) -> list[str]:
    """The figures outside their tolerances."""
    rows = [r for r in found.rows.values() if r.name in EXACT and r.planned != r.found]
    rows += [r for r in (found.rows["code"],) if abs(r.error) > CODE_SHARE]
    rows += [r for r in (found.step,) if abs(r.error) > found.step_share]
    rows += [r for r in (found.forward,) if abs(r.error) > STEP_SHARE]
    stack = found.stack
    if stack and not 0 <= stack.planned - stack.found <= STACK_BYTES:
        rows.append(stack)
    return [f"{r.name}: planned {r.planned:,}, found {r.found:,}" for r in rows]


def header() -> str:
    return (f"{'board':18} {'model':7} {'flash':>8} {'code':>7} {'error':>7} {'exact':>6} "
            f"{'RAM':>8} {'error':>6} {'stack':>6} {'used':>5} {'step':>12} {'error':>7} "
            f"{'forward':>8}")


def row(board: str, model: str, found: Comparison) -> str:
    """Found figures, and the errors of the planned ones."""
    rows = found.rows
    exact = all(rows[name].planned == rows[name].found for name in EXACT)
    ram, stack = rows["variable"], found.stack
    return (
        f"{board:18} {model:7} {rows['flash'].found:8,} {rows['code'].found:7,} "
        f"{rows['code'].error:+7.1%} {'yes' if exact else 'NO':>6} {ram.found:8,} "
        f"{ram.planned - ram.found:+6} {stack.planned if stack else '-':>6} "
        f"{stack.found if stack else '-':>5} "
        f"{found.step.found:12,} {found.step.error:+7.1%} {found.forward.error:+8.1%}"
    )
