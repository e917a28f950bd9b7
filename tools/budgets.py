"""Budgets: flash, RAM and instructions of a step, for models and cores, beside the compiler.

    python tools/budgets.py            what rose or fell against tools/budgets.json; status 1 if any
    python tools/budgets.py --update   write the file anew

Plans need no tools.  What is counted, the digits' step on an emulated M4 and their image, needs
QEMU and the compiler, and is compared with the same compiler alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from edgetune.boards.cores import CORES  # noqa: E402
from edgetune.build import find_cross_gcc  # noqa: E402
from edgetune.learn.recipe import Recipe  # noqa: E402
from edgetune.model.graph import Graph  # noqa: E402
from edgetune.model.read import read_tflite  # noqa: E402
from edgetune.plan.cost import estimate  # noqa: E402
from edgetune.plan.plan import make_plan  # noqa: E402
from edgetune.session.bench import bench_board, bench_plan  # noqa: E402
from edgetune.session.firmware import build_firmware  # noqa: E402

FILE = Path(__file__).with_suffix(".json")
SHARED = ROOT.parent / "shared" / "data"
MODELS = {
    "digits": ROOT / "examples" / "digits" / "digits_int8.tflite",
    **{name: SHARED / f"{name}_int8.tflite" for name in ("har", "mnist", "kws")},
    "resnet8": SHARED / "mlperf_tiny" / "resnet8_int8.tflite",
}
COUNTED, CORE = "digits", "cortex-m4"
TOLERANCE = 0.01  # relative, of a rise or a fall that goes unnoticed


def planned(graph: Graph, core: str) -> dict[str, int]:
    """Bytes and instructions that a plan of all layers says on the core's emulated board."""
    cost = estimate(make_plan(graph, Recipe(), bench_board(core), ram=128 * 1024))
    return {
        "flash": cost.flash_bytes - cost.weight_bytes, "ram": cost.ram_bytes,
        "forward": cost.phase_instructions("forward"), "step": cost.step_instructions,
    }


def counted() -> dict[str, int]:
    """Bytes of the image, and executed instructions of a step, of `COUNTED` on `CORE`."""
    plan = make_plan(read_tflite(MODELS[COUNTED]), Recipe(), bench_board(CORE), ram=128 * 1024)
    with tempfile.TemporaryDirectory() as folder:
        sizes = build_firmware(plan, Path(folder, "image"), COUNTED).build.sizes
        assert sizes is not None
        steps = bench_plan(plan, Path(folder, "bench"), samples=4)
    return {"flash": sizes.flash, "static ram": sizes.static_ram, "step": round(steps.step)}


def compiler() -> str:
    """The first line of what it says of its version."""
    said = subprocess.run(
        [find_cross_gcc(), "--version"], capture_output=True, text=True, check=True
    )
    return said.stdout.splitlines()[0]


def measure(models: Iterable[str], cores: Iterable[str]) -> dict:
    """What the file holds, of ``models`` that are there; what is counted is left out."""
    there = {name: read_tflite(MODELS[name]) for name in models if MODELS[name].is_file()}
    cores = list(cores)
    return {name: {core: planned(graph, core) for core in cores} for name, graph in there.items()}


def changes(what: str, budget: dict, found: dict) -> Iterator[str]:
    """A line for each figure of ``found`` that is not within the tolerance of its budget."""
    for name, value in found.items():
        if isinstance(value, dict):
            yield from changes(f"{what} {name}".strip(), budget.get(name, {}), value)
        elif name not in budget:
            yield f"{what}: {name} is {value:,}, and has no budget: update the file"
        elif value > budget[name] * (1 + TOLERANCE):
            yield f"{what}: {name} rose from {budget[name]:,} to {value:,}"
        elif value < budget[name] * (1 - TOLERANCE):
            yield f"{what}: {name} fell from {budget[name]:,} to {value:,}: update the file"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="write tools/budgets.json anew")
    update = parser.parse_args().update
    old = json.loads(FILE.read_text()) if FILE.is_file() else {}
    new = {
        "compiler": compiler(), "counted": {f"{COUNTED} on {CORE}": counted()},
        "planned": old.get("planned", {}) | measure(MODELS, CORES),
    }
    found = list(changes("", old.get("planned", {}), new["planned"]))
    if old.get("compiler") == new["compiler"]:
        found += changes("counted", old["counted"], new["counted"])
    print(*found, sep="\n")
    if update:
        FILE.write_text(json.dumps(new, indent=1) + "\n", encoding="utf-8")
    return 1 if found and not update else 0


if __name__ == "__main__":
    sys.exit(main())
