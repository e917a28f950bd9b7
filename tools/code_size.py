"""What an image takes of flash, by where it comes from, and its largest parts.

    python tools/code_size.py [MODEL] [--core CORE] [--parts COUNT]

Of a step of all layers, as linked: MODEL is one of those of tools/budgets.py, or a file.  "engine
and tables" is what is left without weights, the link, ports and the compiler's libraries.  Needs
the Arm compiler.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from edgetune.boards.cores import CORES  # noqa: E402
from edgetune.learn.recipe import Recipe  # noqa: E402
from edgetune.model.read import read_tflite  # noqa: E402
from edgetune.plan.plan import make_plan  # noqa: E402
from edgetune.session.bench import bench_board  # noqa: E402
from edgetune.session.firmware import build_firmware  # noqa: E402
from tools.budgets import MODELS  # noqa: E402
from tools.pages.table import table  # noqa: E402

RAM = 128 * 1024
START = "Linker script and memory map"
SECTION = re.compile(r"^ \.(text|rodata|data)(\S*)\s+0x\S+\s+0x(\S+) (\S+)$", re.MULTILINE)
FOLDERS = {"engine": "engine", "link": "link", "app": "link"}  # of firmware; others are ports
ENGINE_AND_TABLES = "engine", "tables", "model's calls"


class Part(NamedTuple):
    """An input section of the image: ``origin`` of `origin_of`, bytes."""

    origin: str
    name: str
    size: int


def origin_of(kind: str, path: str) -> str:
    """Where a section of ``kind``, "text" or "rodata", of the object ``path`` comes from."""
    object_ = Path(path)
    if path.endswith(")"):
        return "compiler's libraries"
    if object_.name == "weights.o":
        return "weights"
    if object_.name == "model.o":
        return "model's calls" if kind == "text" else "tables"
    return FOLDERS.get(object_.parent.name, "ports")


def parts_of(text: str) -> list[Part]:
    """All that a linker's map says is in the image, the largest first."""
    found = SECTION.findall(text[text.index(START) :])
    parts = [Part(origin_of(kind, path), name.lstrip(".") or Path(path).name, int(size, 16))
             for kind, name, size, path in found]
    return sorted((p for p in parts if p.size), key=lambda part: -part.size)


def linked(model: Path, core: str) -> list[Part]:
    """The parts of the firmware that trains all layers of ``model`` on ``core``.

    Raises:
        ToolchainError: the compiler is missing.
    """
    plan = make_plan(read_tflite(model), Recipe(), bench_board(core), ram=RAM)
    with tempfile.TemporaryDirectory() as folder:
        built = build_firmware(plan, Path(folder), model.stem).build
        return parts_of(built.map.read_text(encoding="utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="kws")
    parser.add_argument("--core", default="cortex-m4", choices=list(CORES))
    parser.add_argument("--parts", type=int, default=20, metavar="COUNT")
    given = parser.parse_args()
    parts = linked(MODELS.get(given.model, Path(given.model)), given.core)
    sums: Counter[str] = Counter()
    for part in parts:
        sums[part.origin] += part.size
    rows = [[origin, f"{size:,}"] for origin, size in sums.most_common()]
    rows.append(["engine and tables", f"{sum(sums[origin] for origin in ENGINE_AND_TABLES):,}"])
    print(*table(["origin", "bytes"], rows), "", sep="\n")
    largest = [part for part in parts if part.origin != "weights"][: given.parts]
    print(*table(["part", "origin", "bytes"],
                 [[part.name, part.origin, f"{part.size:,}"] for part in largest]), sep="\n")


if __name__ == "__main__":
    main()
