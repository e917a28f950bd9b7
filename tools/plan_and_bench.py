"""What `plan` foretells beside what is counted and built: a table over networks and cores.

    python tools/plan_and_bench.py [FILE.tflite ...] [--core NAME ...] [--layers NAMES]

Without files eleven networks: the tasks' and MLPerf Tiny's (those that lie in ../shared/data), and
four of shapes that no calibration has.  "step" is a training step's instructions, "RAM" all
variables, "flash" the image; "off" what the plan is beside what was found.  Needs the Arm compiler
and QEMU.  Ends with status 1 where a step is off by more than 3 %.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from edgetune.boards import CORES  # noqa: E402
from edgetune.learn.recipe import Recipe  # noqa: E402
from edgetune.model.graph import Graph  # noqa: E402
from edgetune.model.read import read_tflite  # noqa: E402
from edgetune.plan.cost import estimate  # noqa: E402
from edgetune.plan.thrift import plan_within  # noqa: E402
from edgetune.session.bench import bench_board, bench_plan, room_beside_counters  # noqa: E402
from edgetune.session.cost_check import CostRow, compare_build  # noqa: E402
from edgetune.session.firmware import build_firmware  # noqa: E402
from tools.calibration.comparison import MODELS  # noqa: E402
from tools.pages.table import table  # noqa: E402

SHARE = 0.03  # of a step
TINY = ("resnet8", "ad01", "vww_96")
HEADERS = ["network", "core", "step planned", "step counted", "off", "RAM planned", "RAM built",
           "off", "flash planned", "flash built", "off"]


def _tiny(name: str) -> Callable[[], Graph]:
    folder = ROOT.parent / "shared" / "data" / "mlperf_tiny"
    return lambda: read_tflite(folder / f"{name}_int8.tflite")


NETWORKS = MODELS | {name: _tiny(name) for name in TINY}


@dataclass(frozen=True)
class Found:
    """One network on one core: instructions of a step, bytes of variables, bytes of the image."""

    network: str
    core: str
    step: CostRow
    ram: CostRow
    flash: CostRow

    @property
    def missed(self) -> bool:
        return abs(self.step.error) > SHARE

    @property
    def cells(self) -> list[str]:
        rows = (self.step, self.ram, self.flash)
        return [self.network, self.core] + [
            cell for row in rows
            for cell in (f"{row.planned:,}", f"{row.found:,}", f"{row.error:+.1%}")
        ]


def measure(
    network: str, graph: Graph, core: str, folder: Path, recipe: Recipe | None = None
) -> Found:
    """Plan, build and count for the emulated board of ``core``.

    Raises:
        DoesNotFitError: the board is too small.
        ToolchainError: the compiler or QEMU is missing.
    """
    board = bench_board(core)
    plan = plan_within(graph, recipe or Recipe(), board, ram=room_beside_counters(board))
    cost = estimate(plan)
    built = {row.name: row for row in compare_build(cost, build_firmware(
        plan, folder / "firmware", network))}
    step = round(bench_plan(plan, folder / "bench").step)
    return Found(network, core, CostRow("step", cost.step_instructions, step), built["variable"],
                 built["flash"])


def lines(found: list[Found]) -> list[str]:
    """The table, and what it comes to."""
    worst = max(found, key=lambda row: abs(row.step.error))
    return [*table(HEADERS, [row.cells for row in found]), "",
            f"{len(found)} rows, a step at most {worst.step.error:+.1%} off "
            f"({worst.network}, {worst.core})"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--core", nargs="+", default=["cortex-m4"], choices=list(CORES))
    parser.add_argument("--layers", default="all", help="what is trained, as edgetune takes it")
    options = parser.parse_args()
    files = {path.stem: lambda path=path: read_tflite(path) for path in options.files}
    found, recipe = [], Recipe(layers=tuple(options.layers.split(",")))
    for name, read in (files or NETWORKS).items():
        try:
            graph = read()
        except FileNotFoundError:
            print(f"{name} is not there", file=sys.stderr)
            continue
        for core in options.core:
            with tempfile.TemporaryDirectory() as folder:
                found.append(measure(name, graph, core, Path(folder), recipe))
            print(*found[-1].cells, file=sys.stderr, flush=True)
    print(*lines(found), sep="\n")
    return 1 if any(row.missed for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())
