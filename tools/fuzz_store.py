"""Broken contents of flash by the million: the store refuses or mends each, and works after it.

    python tools/fuzz_store.py [--count N] [--seed N]

Images are made of valid ones, of chance, and of hostile records whose checksums are right; each is
mounted, booted, committed to and booted again, under ASan and UBSan.  The status is 1 where a rule
is broken, and the case's number is said.  The same seed gives the same cases.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from edgetune.build import find_host_cc  # noqa: E402

SIMULATOR = ROOT / "tests" / "store_flash"
SOURCES = (
    SIMULATOR / "fuzz.c", SIMULATOR / "simulator.c",
    ROOT / "firmware" / "store" / "store.c", ROOT / "firmware" / "link" / "frames.c",
)
INCLUDES = (SIMULATOR, ROOT / "firmware" / "store", ROOT / "firmware" / "link")
FLAGS = ("-std=gnu99", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
         "-Wall", "-Wextra", "-Werror")


def build(program: Path) -> Path:
    """Compile the fuzzer into ``program``, which is returned."""
    includes = [f"-I{folder}" for folder in INCLUDES]
    command = [str(find_host_cc()), *FLAGS, *includes, *map(str, SOURCES), "-o", str(program)]
    subprocess.run(command, check=True)
    return program


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000_000, help="images")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = build(Path(folder) / "fuzz")
        return subprocess.run([str(program), str(options.count), str(options.seed)]).returncode


if __name__ == "__main__":
    sys.exit(main())
