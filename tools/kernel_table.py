"""Executed instructions per multiplication of one layer a kind, beside what is wanted of them.

    python tools/kernel_table.py [CORE ...] [--layer NAME ...]

A layer stands in a small network that trains throughout; its instructions are those of all calls of
its stage, on inputs without zeros and under the default rule.  "kept": the gradient fits into RAM
whole; "tiled": it does not, and rows that were drawn are formed once more.  Needs the Arm compiler
and QEMU.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from edgetune.boards import CORES  # noqa: E402
from edgetune.learn.program import Layer  # noqa: E402
from edgetune.learn.recipe import Recipe  # noqa: E402
from edgetune.model.read import read_tflite  # noqa: E402
from edgetune.plan.plan import Plan, make_plan  # noqa: E402
from edgetune.session.bench import BenchResult, bench_board, bench_plan  # noqa: E402
from tests.support.tiny_tflite import ModelBuilder  # noqa: E402
from tools.pages.table import table  # noqa: E402

SMALL_RAM = 4096  # bytes: no gradient is kept
PARTS = ("forward", "input error", "gradient and draw")
CALLS = {"input error": "_input_error", "gradient and draw": "update"}


def _dense() -> ModelBuilder:
    b = ModelBuilder((1, 28, 28, 1), seed=3).conv(1, 1)
    return b.dense(128, activation="RELU").dense(10)


def _convolution() -> ModelBuilder:
    b = ModelBuilder((1, 32, 32, 16), seed=4).conv(16, 1, activation="RELU")
    return b.conv(16, 3, activation="RELU").mean().dense(10)


def _pointwise() -> ModelBuilder:
    b = ModelBuilder((1, 25, 5, 64), seed=5).depthwise(3, activation="RELU")
    return b.conv(64, 1, activation="RELU").mean().dense(12)


def _depthwise() -> ModelBuilder:
    b = ModelBuilder((1, 25, 5, 64), seed=6).conv(64, 1, activation="RELU")
    return b.depthwise(3, activation="RELU").mean().dense(12)


def _first() -> ModelBuilder:
    b = ModelBuilder((1, 49, 10, 1), seed=7).conv(64, (10, 4), stride=2, activation="RELU")
    return b.mean().dense(12)


@dataclass(frozen=True)
class Row:
    """``place``: of the layer among the network's; ``wanted``: core -> of each of `PARTS`, None
    where nothing is; ``tiled``: the gradient's where it does not fit."""

    build: Callable[[], ModelBuilder]
    place: int
    wanted: dict[str, tuple[float | None, ...]]
    tiled: float | None = None


M0, M4, M55 = "cortex-m0plus", "cortex-m4", "cortex-m55"
ROWS = {
    "dense 784->128": Row(_dense, 1, {M4: (1.6, 2.2, 8), M0: (5.4, 5.5, None)}),
    "convolution 3x3 16->16, 32x32": Row(
        _convolution, 1, {M4: (1.3, 1.45, 1.6), M55: (0.4, 0.4, 0.9), M0: (5.8, 6.2, None)}
    ),
    "pointwise 64->64, 25x5": Row(
        _pointwise, 1, {M4: (1.35, 1.5, 1.9), M55: (0.4, 0.4, 0.9), M0: (5.4, 6.2, 7)}, tiled=2.8
    ),
    "depthwise 3x3, 64 channels, 25x5": Row(
        _depthwise, 1, {M4: (2.9, 3.4, 4), M0: (11, 11, None)}
    ),
    "first 10x4 stride 2, 1->64": Row(_first, 0, {M4: (1.7, None, 2)}),
}


def measure(name: str, core: str, folder: Path, ram: int | None = None) -> dict[str, float]:
    """Instructions per multiplication of the parts that the layer ``name`` has.

    Raises:
        ToolchainError: the compiler or QEMU is missing.
    """
    row = ROWS[name]
    plan = make_plan(read_tflite(row.build().build()), Recipe(), bench_board(core), ram=ram)
    layer = plan.program.layers[row.place]
    return _per_mac(plan, layer, bench_plan(plan, folder))


def _per_mac(plan: Plan, layer: Layer, result: BenchResult) -> dict[str, float]:
    found: dict[str, float] = {}
    for stage, (_, phase, count) in zip(plan.schedule.stages, result.stages):
        for part in PARTS:
            mine = phase == part or stage.call.endswith(CALLS.get(part, part))
            if stage.layer is layer and mine:
                found[part] = found.get(part, 0) + count / _macs(plan, layer)
    return found


def _macs(plan: Plan, layer: Layer) -> int:
    output = plan.program.activations[layer.output].size
    return layer.weights.size * (output // layer.rows)


def lines(name: str, core: str, folder: Path) -> Iterator[list[str]]:
    """A row of the table; a second one of the tiled gradient where one is wanted."""
    row = ROWS[name]
    found = measure(name, core, folder / "kept")
    wanted = row.wanted.get(core, (None,) * len(PARTS))
    yield [core, name, *(_cell(found.get(p), w) for p, w in zip(PARTS, wanted))]
    if row.tiled is not None and core in (M4,):
        found = measure(name, core, folder / "tiled", SMALL_RAM)
        yield [core, f"{name}, tiled", "", "", _cell(found[PARTS[-1]], row.tiled)]


def _cell(found: float | None, wanted: float | None) -> str:
    if found is None:
        return "-"
    return f"{found:.3f}" + (f" ({wanted:g})" if wanted is not None else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cores", nargs="*", default=[M4, M55, M0], metavar="CORE",
                        help=f"of {', '.join(CORES)}")
    parser.add_argument("--layer", nargs="+", default=list(ROWS), choices=list(ROWS))
    options = parser.parse_args()
    rows = []
    for core in options.cores:
        for name in options.layer:
            with tempfile.TemporaryDirectory() as folder:
                rows += lines(name, core, Path(folder))
    headers = ["core", "layer", *(f"{part} (wanted)" for part in PARTS)]
    print(*table(headers, rows), sep="\n")


if __name__ == "__main__":
    main()
