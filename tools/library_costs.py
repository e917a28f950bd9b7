"""What a library takes against the server of the same plan, and how long its slices are.

    python tools/library_costs.py [digits har kws]

On an emulated Cortex-M4, plans of 128 KB.  Both learn the same sample in one image in QEMU, which
counts instructions, not cycles; flash and RAM are those of two images, each with its board's start.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from edgetune.boards.cores import CORES  # noqa: E402
from edgetune.build import find_cross_gcc  # noqa: E402
from edgetune.codegen.for_size import compiled_for_size  # noqa: E402
from edgetune.codegen.library import Wanted, write_library  # noqa: E402
from edgetune.codegen.project import write_project  # noqa: E402
from edgetune.learn.recipe import Recipe  # noqa: E402
from edgetune.model.read import read_tflite  # noqa: E402
from edgetune.plan.cost import estimate  # noqa: E402
from edgetune.plan.instructions import STEP  # noqa: E402
from edgetune.plan.plan import Plan, make_plan  # noqa: E402
from edgetune.session.bench import bench_board  # noqa: E402
from edgetune.session.firmware import build_firmware  # noqa: E402
from tools.budgets import CORE, MODELS  # noqa: E402

BENCH = Path(__file__).parent / "library_bench"
PRODUCT = ROOT / "examples" / "product"
INSTRUCTIONS = 1e9 / (25e6 * 64)  # of a tick, under -icount shift=6
RAM = 128 * 1024
SECONDS = 120
AWAY = ("main.c", "server.c")  # of the server's files: the bench has their place
SMALL = compiled_for_size(CORES[CORE])
FLAGS = (
    "-std=gnu99", "-O2", "-mcpu=cortex-m4", "-mthumb", "-ffunction-sections", "-fdata-sections",
    "-ffreestanding", "-fno-schedule-insns", "-fno-common",
)


@dataclass(frozen=True)
class Side:
    """Bytes of an image but for its stack, bytes of stack below a step, instructions of a step and
    of all that a sample takes: of the server its request with both frames."""

    flash: int
    ram: int
    stack: int
    step: int
    sample: int
    digest: int


@dataclass(frozen=True)
class Slices:
    """A step with a ``budget``: instructions, and the digest after it."""

    budget: int
    slices: int
    longest: int
    total: int
    digest: int


@dataclass(frozen=True)
class Found:
    """``longest``: the estimate of the longest stage."""

    server: Side
    library: Side
    longest: int
    sliced: tuple[Slices, ...]


def measure(model: Path, folder: Path) -> Found:
    """Both sides of the plan of ``model``; everything is built in ``folder``."""
    plan = make_plan(read_tflite(model), Recipe(), bench_board(CORE), ram=RAM)
    costs = [s.instructions for s in estimate(plan).stages if s.phase != STEP]
    library = write_library(folder / "lib", plan, model.stem, Wanted("sources", "bench_model"),
                            costs)
    budgets = [sum(library.costs), *(sum(library.costs) // part for part in (4, 16)), 0]
    told = list(_run(_bench_image(folder, plan, budgets)))
    steps = {word: numbers for word, *numbers in told}
    firmware = build_firmware(plan, folder / "server", model.stem).build.sizes
    assert firmware
    least = _sizes(_link(folder, "least", [BENCH / "least.c"], []))
    return Found(
        _side((firmware.flash, firmware.static_ram), steps["server"], steps["request"]),
        _side(least, steps["library"], steps["library"]), max(library.costs),
        tuple(
            Slices(budget, slices, _count(longest), _count(total), digest)
            for budget, (slices, longest, total, digest) in zip(
                budgets, (numbers for word, *numbers in told if word == "sliced")
            )
        ),
    )


def _side(sizes: tuple[int, int], step: list[int], sample: list[int]) -> Side:
    return Side(*sizes, step[1], _count(step[0]), _count(sample[0]), step[2])


def _count(ticks: int) -> int:
    return round(ticks * INSTRUCTIONS)


def _bench_image(folder: Path, plan: Plan, budgets: list[int]) -> Path:
    project = write_project(folder / "engine", plan, "bench")
    own = [folder / "engine" / n for n in project.sources if not n.endswith(AWAY)]
    defines = [f"-D{name}={value}" for name, value in project.defines.items()]
    includes = [f"-I{folder / 'engine' / name}" for name in ("", *project.includes)]
    includes.append(f"-I{ROOT / 'firmware' / 'ports'}")
    chosen = f"-DBENCH_BUDGETS={','.join(map(str, budgets))}"
    return _link(folder, "bench", [BENCH / "bench.c", *own], [*defines, *includes, chosen])


def _link(folder: Path, name: str, sources: list[Path], options: list[str]) -> Path:
    """An image of ``sources``, the library and the product's board."""
    script, image = folder / "bench.ld", folder / f"{name}.elf"
    text = (PRODUCT / "product.ld").read_text().replace("256K", "4M").replace("64K", "2M")
    script.write_text(text)
    # One call a file: some of the library's have the names of the engine's.
    own = _objects(folder / f"{name}-own", sources, [*options, f"-I{PRODUCT}",
                                                     f"-I{folder / 'lib' / 'include'}"])
    library = _objects(folder / "lib-objects", sorted((folder / "lib" / "src").glob("*.c")),
                       [f"-I{folder / 'lib' / 'include'}"])
    board = _objects(folder / "board", [PRODUCT / "board.c"], [])
    subprocess.run([
        find_cross_gcc(), *FLAGS, *own, *library, *board, "--specs=nano.specs", "-nostartfiles",
        f"-Wl,-T,{script}", "-Wl,--gc-sections", "-o", image,
    ], check=True)
    return image


def _objects(folder: Path, sources: list[Path], options: list[str]) -> list[Path]:
    folder.mkdir(exist_ok=True)
    gcc, objects = find_cross_gcc(), []
    for number, source in enumerate(sources):
        objects.append(folder / f"{number}-{source.stem}.o")
        size = ["-Os"] if source.name in SMALL else []
        subprocess.run([gcc, *FLAGS, *size, *options, "-c", source, "-o", objects[-1]], check=True)
    return objects


def _sizes(image: Path) -> tuple[int, int]:
    """Flash and RAM of ``image``, by its compiler's size."""
    size = find_cross_gcc().with_name("arm-none-eabi-size")
    said = subprocess.run([size, image], capture_output=True, text=True, check=True).stdout
    text, data, bss = map(int, said.splitlines()[1].split()[:3])
    return text + data, data + bss


def _run(image: Path) -> Iterator[tuple]:
    """The words and numbers that ``image`` tells."""
    process = subprocess.Popen([
        "qemu-system-arm", "-M", "mps2-an386", "-kernel", image, "-display", "none", "-monitor",
        "none", "-serial", "stdio", "-icount", "shift=6,align=off,sleep=off",
    ], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    assert process.stdout
    try:
        for line in process.stdout:
            word, *numbers = line.split()
            if word == "done":
                return
            yield word, *map(int, numbers)
    finally:
        process.kill()
        process.wait()


def show(name: str, found: Found) -> None:
    print(f"{name:8} {'flash':>9} {'RAM':>9} {'stack':>6} {'step':>12} {'sample':>12}")
    for side in ("server", "library"):
        s = getattr(found, side)
        print(f"{side:8} {s.flash:9,} {s.ram:9,} {s.stack:6,} {s.step:12,} {s.sample:12,}")
    print(f"Slices; the longest stage is estimated at {found.longest:,} instructions.")
    for s in found.sliced:
        print(f"  budget {s.budget:12,}: {s.slices:3} slices, the longest {s.longest:12,}, "
              f"together {s.total:12,} ({s.total / found.library.step - 1:+.2%})")


def main() -> None:
    for name in sys.argv[1:] or ("digits", "har", "kws"):
        with tempfile.TemporaryDirectory() as folder:
            show(name, measure(MODELS[name], Path(folder)))


if __name__ == "__main__":
    main()
