"""How a step's cost grows: a table over width, depth and input size, beside the arithmetic.

    python tools/growth.py [--core NAME] [--bench]

A network of 3x3 convolutions is doubled in one respect at a time.  "macs": products of a step,
forward, errors and gradients; "a MAC": instructions over them; "grows": by how much more than the
arithmetic a step has grown since the row before.  --bench counts each step under QEMU too.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from edgetune.boards.cores import CORES  # noqa: E402
from edgetune.learn.recipe import Recipe  # noqa: E402
from edgetune.model.graph import Graph  # noqa: E402
from edgetune.model.read import read_tflite  # noqa: E402
from edgetune.plan.cost import estimate  # noqa: E402
from edgetune.plan.plan import Plan, make_plan  # noqa: E402
from edgetune.session.bench import bench_board, bench_plan  # noqa: E402
from tests.support.tiny_tflite import ModelBuilder  # noqa: E402

WIDTH, DEPTH, SIDE = 8, 2, 12  # where the table starts
DOUBLED = 3  # rows beyond the first, in each respect
NOTICEABLE = 0.05  # a departure from the arithmetic that is marked
PHASES = ("forward", "backward", "update")


def network(width: int, depth: int, side: int) -> Graph:
    """``depth`` layers of ``width`` channels over ``side`` x ``side`` cells, then a dense one."""
    b = ModelBuilder((1, side, side, 4), seed=7)
    for _ in range(depth):
        b.conv(width, 3, activation="RELU")
    return read_tflite(b.mean().dense(4).softmax().build())


def products(plan: Plan) -> int:
    """Of a step: each weighted layer forward, its gradient, and all errors but the lowest's."""
    activations = plan.program.activations
    macs = [
        la.weights.size * (activations[la.output].size // la.rows)
        for la in plan.program.weighted_layers
    ]
    return 3 * sum(macs) - macs[0]


def rows(core: str) -> list[tuple[str, Plan]]:
    """The networks of the table, by what is doubled in them."""
    start = {"width": WIDTH, "depth": DEPTH, "side": SIDE}
    board = bench_board(core)
    return [
        (f"{name} {start[name] << n}",
         make_plan(network(**start | {name: start[name] << n}), Recipe(), board))
        for name in start for n in range(DOUBLED + 1)
    ]


def table(core: str, count: bool = False) -> list[str]:
    """Its lines."""
    lines = [f"{'':9} {'macs':>11} {'step':>11} {'a MAC':>6} "
             f"{'forward':>7} {'errors':>7} {'update':>7} {'grows':>7} {'RAM':>8}"]
    before: tuple[str, float] | None = None
    for name, plan in rows(core):
        macs, cost = products(plan), estimate(plan)
        each = cost.step_instructions / macs
        same = before is not None and before[0] == name.split()[0]
        grown = each / before[1] - 1 if before and same else 0.0
        shares = [cost.phase_instructions(p) / macs for p in PHASES]
        line = f"{name:9} {macs:11,} {cost.step_instructions:11,} {each:6.2f} " + " ".join(
            f"{share:7.2f}" for share in shares
        ) + f" {grown:+7.1%} {cost.ram_bytes:8,}"
        line += "  departs" if abs(grown) > NOTICEABLE else ""
        if count:
            with tempfile.TemporaryDirectory() as folder:
                found = bench_plan(plan, Path(folder), samples=4).step
            line += f"  counted {found:,.0f}, plan {cost.step_instructions / found - 1:+.1%}"
        lines.append(line)
        before = name.split()[0], each
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--core", default="cortex-m4", choices=list(CORES))
    parser.add_argument("--bench", action="store_true", help="count each step under QEMU too")
    options = parser.parse_args()
    print(*table(options.core, options.bench), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
