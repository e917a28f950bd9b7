"""Plan beside image and measurement, for boards and models: one table.

    python tools/check_costs.py [--board NAME ...] [--model NAME ...]

Needs the Arm compiler and QEMU.  Ends with status 1 where a figure misses its tolerance.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from edgetune.boards import list_boards  # noqa: E402
from tools.calibration.comparison import MODELS, compare, header, misses, row  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--board", nargs="*", default=list_boards(), choices=list_boards())
    parser.add_argument("--model", nargs="*", default=list(MODELS), choices=list(MODELS))
    options = parser.parse_args()
    print(header())
    missed = []
    for board in options.board:
        for model in options.model:
            with tempfile.TemporaryDirectory() as folder:
                found = compare(board, model, Path(folder))
            print(row(board, model, found), flush=True)
            missed += [f"{board}, {model}: {miss}" for miss in misses(found)]
    print(*missed, sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
