"""Broken model files by the hundred thousand: each is refused by a typed error, or runs.

    python tools/fuzz_models.py [--count N] [--seed N] [--model NAME ...] [--compare] [--out FOLDER]

Every truncation of two small models comes first, then mutations of all of them.  Each case gets
2 s of processor time and 500 MB.  One in eight of those that are float models is converted, and
one in eight of those that still are int8 models, with all conversions, is given to tflite-runtime
as well: its outputs have to be the same, and where it dies, it dies alone.  With --always it is
each of them.  Cases that fail are written to the folder; the status is 1 where there are any.
The same seed gives the same cases.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads take address space, not time
ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from tools.fuzz.cases import TRUNCATED, Cases  # noqa: E402
from tools.fuzz.examine import examine  # noqa: E402
from tools.fuzz.run import Tally, run  # noqa: E402
from tools.fuzz.seeds import SEEDS  # noqa: E402

KEPT = 3  # files of each kind of failure


def main() -> int:
    options = _options()
    cases = Cases(options.seed, options.model, () if options.no_truncations else TRUNCATED)
    numbers = range(len(cases.cut) + options.count)
    told: set[int] = set()
    tally = run(
        cases, numbers, options.jobs, lambda so_far: _progress(so_far, len(numbers), told),
        partial(examine, always=options.always),
    )
    print("\n" + summary(cases, tally))
    _keep(cases, tally, options.out)
    return 1 if tally.failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000, help="mutations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", nargs="+", default=list(SEEDS), choices=list(SEEDS))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--no-truncations", action="store_true")
    parser.add_argument("--always", action="store_true")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "fuzz")
    return parser.parse_args()


def _progress(tally: Tally, total: int, told: set[int]) -> None:
    """A failure at once: a run of an hour may be ended before its sum."""
    for number in tally.failures.keys() - told:
        told.add(number)
        failed = tally.failures[number]
        print(f"\ncase {number}: {failed.where} {failed.failure}", file=sys.stderr, flush=True)
    if tally.total % 100 and tally.total < total:
        return
    failures = f", {len(tally.failures)} failed" if tally.failures else ""
    print(f"\r{tally.total:,} of {total:,}{failures}", end="", file=sys.stderr, flush=True)


def summary(cases: Cases, tally: Tally) -> str:
    """Outcomes, costs and failures, in lines."""
    lines = [f"{len(cases.cut):,} truncations, {tally.total - len(cases.cut):,} mutations, "
             f"seed {cases.seed}"]
    lines += [f"{count:>9,} {outcome}" for outcome, count in tally.outcomes.most_common()]
    lines.append(f"slowest: {tally.seconds:.2f} s (case {tally.slowest}); "
                 f"memory above the start: {tally.megabytes:.0f} MB")
    for kind, numbers in tally.failures_by_kind().items():
        first = numbers[0]
        lines.append(f"FAILED {len(numbers)} times: {kind}: case {first} "
                     f"({cases.model(first)}): {tally.failures[first].failure}")
    return "\n".join(lines)


def _keep(cases: Cases, tally: Tally, folder: Path) -> None:
    kept = [n for numbers in tally.failures_by_kind().values() for n in numbers[:KEPT]]
    for number in kept:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{cases.model(number)}_{cases.seed}_{number}.bin"
        (folder / name).write_bytes(cases.content(number))
    if kept:
        print(f"{len(kept)} files in {folder}")


if __name__ == "__main__":
    sys.exit(main())
