"""Requests of a hostile host to firmware with a small model, by the million, under ASan and UBSan.

    python tools/fuzz_requests.py [--count N] [--seed N] [--rule NAME]

Generated code, engine, link and store run in one process (tests/link_server/fuzz/fuzz.c, which
holds the corpus).  Whatever is asked, the firmware answers in whole frames, touches no memory but
its own and its flash within the rules of flash; else the status is 1 and the request is named.
The same seed gives the same requests.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from tiny_tflite import ModelBuilder  # noqa: E402

from edgetune.boards import load_board  # noqa: E402
from edgetune.build import find_host_cc  # noqa: E402
from edgetune.build.files import write_build_files  # noqa: E402
from edgetune.codegen.project import write_project  # noqa: E402
from edgetune.learn.recipe import Recipe  # noqa: E402
from edgetune.learn.rules import RULES  # noqa: E402
from edgetune.model.graph import Graph  # noqa: E402
from edgetune.model.read import read_tflite  # noqa: E402
from edgetune.plan.plan import make_plan  # noqa: E402

FUZZ = ROOT / "tests" / "link_server" / "fuzz" / "fuzz.c"
BOARD = "nucleo-g071rb"  # small sectors of flash
FLAGS = ("-std=gnu99", "-O2", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
         "-Wall", "-Wextra", "-Werror")


def small_graph() -> Graph:
    """Fast, but its state is larger than a reply, so that what is read of it has to be bounded."""
    return read_tflite(ModelBuilder((1, 6), seed=7).dense(24).build())


def build(folder: Path, rule: str = Recipe.rule) -> Path:
    """Generate and compile firmware with a small model and the fuzzer as its port; the program."""
    plan = make_plan(small_graph(), Recipe(rule=rule), load_board(BOARD), store=True)
    project = write_project(folder, plan, "small", profile=True)
    write_build_files(folder, plan.board, project.sources, project.defines, store=True)
    sources = [folder / name for name in project.sources if name != "firmware/app/main.c"]
    defines = [f"-D{name}={value}" for name, value in project.defines.items()]
    includes = [f"-I{folder / name}" for name in (".", *project.includes)]
    program = folder / "fuzz"
    command = [str(find_host_cc()), *FLAGS, *defines, *includes, *map(str, sources), str(FUZZ)]
    subprocess.run([*command, "-o", str(program)], check=True)
    return program


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000_000, help="requests")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rule", choices=list(RULES), default=Recipe.rule)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = build(Path(folder), options.rule)
        return subprocess.run([str(program), str(options.count), str(options.seed)]).returncode


if __name__ == "__main__":
    sys.exit(main())
