"""Conversations with devices that answer anything at all, in frames with a right CRC.

    python tools/fuzz_replies.py [--count N] [--seed N]

Each ends with results that fit what was asked, or with a typed error.  The same seed gives the
same conversations; one that fails is named by its own, and the status is 1.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from tools.fuzz.strangers import converse  # noqa: E402

TOLD = 10_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    endings: Counter[str] = Counter()
    for number in range(options.count):
        seed = options.seed * 1_000_003 + number
        try:
            endings[converse(seed)] += 1
        except Exception as error:  # whatever is no typed error is what is looked for
            endings[f"FAILED: {type(error).__name__}"] += 1
            print(f"converse({seed}):\n{traceback.format_exc()}", flush=True)
        if (number + 1) % TOLD == 0:
            print(f"{number + 1:,} of {options.count:,}: {dict(endings)}", flush=True)
    print(f"{options.count:,} conversations: {dict(endings)}")
    return 1 if any(name.startswith("FAILED") for name in endings) else 0


if __name__ == "__main__":
    sys.exit(main())
