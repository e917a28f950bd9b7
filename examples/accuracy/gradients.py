"""Do integer gradients point where float gradients point?  A table for five networks.

    python examples/accuracy/gradients.py [--network NAME ...] [--samples 15] [--nearest]

For each layer that trains: the cosine between its integer and its float gradient at the same
weights, the median over real samples, the lowest first.  ``on grid``: the same against a float
network whose activations are rounded to int8 as well, so that only the backward passes differ.
``silent``: the share of the samples that gave the layer no gradient at all.

Ends with 1 where a median lies below 0.9.  Networks and data are read from ``shared/data`` beside
the repository (``--data``); what is not there is left out in words.  Needs Pillow.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from directions import Directions, directions
from gradient_cases import CASES, Case
from tasks import SHARED

from edgetune.learn import learner
from edgetune.learn.fixedpoint import bit_length

LEAST = 0.9


def rounded(acc: np.ndarray) -> tuple[np.ndarray, int]:
    """`edgetune.learn.block.normalise`, but to the nearest mantissa: no engine can do that in
    one pass."""
    shift = max(0, bit_length(int(np.abs(acc).max(initial=0))) - 7)
    half = (1 << shift) >> 1
    return np.sign(acc) * np.minimum((np.abs(acc) + half) >> shift, 127), shift


def compare(case: Case) -> Directions:
    """Of ``case``'s network, over all its samples."""
    return directions(case.graph, case.samples, case.targets, case.loss)


def lines(found: Directions) -> list[str]:
    """The table's rows, the lowest cosine first; a layer that no sample moved before all."""
    order = np.argsort(np.nan_to_num(found.medians, nan=-2))
    return [
        f"| {found.layers[i]} | {found.medians[i]:.3f} | {found.grid_medians[i]:.3f} | "
        f"{100 * found.silent[i]:.0f} % | {'' if found.medians[i] >= LEAST else '<--'} |"
        for i in order
    ]


def report(name: str, case: Case) -> bool:
    """Prints one network's table; whether every layer reaches ``LEAST``."""
    found = compare(case)
    print(f"\n{name}: {len(found.layers)} layers, {len(case.samples)} samples, {case.loss}"
          f"{' ' if case.note else ''}{case.note}")
    print("| layer | median | on grid | silent | |\n|---|---|---|---|---|")
    print("\n".join(lines(found)), flush=True)
    if found.others:
        print(f"Do not train: {', '.join(found.others)}")
    return bool((found.medians >= LEAST).all())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=list(CASES), action="append", help="default: all")
    parser.add_argument("--samples", type=int, default=15)
    parser.add_argument("--nearest", action="store_true",
                        help="errors rounded to nearest: what truncating them costs")
    parser.add_argument("--data", type=Path, default=SHARED)
    given = parser.parse_args()
    if given.nearest:
        learner.normalise = rounded
    passed = True
    for name in given.network or CASES:
        try:
            case = CASES[name](given.data, given.samples)
        except FileNotFoundError as error:
            print(f"\n{name}: left out, {error.filename} is not there")
            continue
        passed &= report(name, case)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
