"""Measures the firmware on every core and writes the tables that `edgetune plan` reads.

    python tools/calibrate.py [CORE ...] [--kernels NAME ...]

Needs the Arm compiler and QEMU; takes some minutes.  Two runs over the same sources with the
same tools write the same bytes.  ``--kernels`` measures the instructions of these only and keeps
what the table says of the others: enough where nothing but they changed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from edgetune.boards import CORES, Board  # noqa: E402
from edgetune.build import find_cross_gcc  # noqa: E402
from edgetune.plan.plan import Plan, make_plan  # noqa: E402
from edgetune.session.bench import bench_board, bench_plan  # noqa: E402
from tools.calibration.benches import errors, instruction_costs, rows_of  # noqa: E402
from tools.calibration.firmware_parts import firmware_parts  # noqa: E402
from tools.calibration.model_code import model_costs  # noqa: E402
from tools.calibration.models import plain, spread  # noqa: E402
from tools.calibration.project import compile_model  # noqa: E402

COSTS = Path(__file__).parents[1] / "edgetune" / "plan" / "costs"


def calibrate(core: str, folder: Path, kernels: frozenset[str] = frozenset()):
    """Write the table of one core, and print how well the fits fit.

    ``kernels``: the rows of "instructions" to measure, all where it is empty.
    """
    benches, compiled = [], []
    used: set[str] = set()
    board = bench_board(core)
    for index, plan in enumerate(_plans(board)):
        held = rows_of(plan)
        used |= held
        if not kernels or kernels & held:
            benches.append((plan, bench_plan(plan, folder / f"{core}-bench-{index}")))
        compiled.append((plan, compile_model(plan, folder / f"{core}-code-{index}")))
    path = COSTS / f"{core}.json"
    measured = instruction_costs(benches)
    if kernels:
        kept = json.loads(path.read_text(encoding="utf-8"))["instructions"]
        measured = {name: (measured if name in kernels else kept)[name] for name in used}
    table = {
        "core": core,
        "compiler": _compiler(),
        "parts": firmware_parts(CORES[core], folder),
        "model": model_costs(compiled),
        "instructions": measured,
    }
    text = json.dumps(table, indent=1, sort_keys=True) + "\n"
    path.write_text(text, encoding="utf-8")
    print(core)
    for name, error in sorted(errors(table["instructions"], benches).items()):
        print(f"  {name:45} within {100 * error:5.1f} %", flush=True)


def _plans(board: Board) -> Iterator[Plan]:
    """Of every model; and once more with the portable kernels, which serve what a core's own do
    not fit."""
    portable = replace(board, core=replace(board.core, dsp=False))
    for graph, recipe in spread():
        plan = make_plan(graph, recipe, board)
        yield plan
        other = make_plan(graph, recipe, portable, savings=plain(plan.program))
        if _symbols(other) != _symbols(plan):
            yield other


def _symbols(plan: Plan) -> list[str]:
    return [stage.kernel.symbol for stage in plan.schedule.stages]


def _compiler() -> str:
    command = [str(find_cross_gcc()), "-dumpfullversion"]
    version = subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    return f"arm-none-eabi-gcc {version}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cores", nargs="*", metavar="CORE", help=f"of {', '.join(CORES)}")
    parser.add_argument("--kernels", nargs="+", default=[], help="as the tables name them")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for core in given.cores or CORES:
            calibrate(core, Path(folder), frozenset(given.kernels))


if __name__ == "__main__":
    main()
