"""Which runs kill rectifiers: at too high a rate, and from streams that do harm, without a guard.

    python examples/accuracy/rectifiers.py [--task NAME] [--start pretrained|tuned] [--steps N]

A line a run: test accuracy before and after it, and of each rectified layer the channels that
answer before and after, in brackets all; a star where a large part was lost.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from guard import HARMS, STARTS, begun, build, learn, stream
from tasks import NAMES

from edgetune.guard import NONE
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.learn.rules import RULES

FACTORS = 1, 2, 4, 8  # of the rule's default rate
CLEAN = "none"


def row(name: str, start: str, recipe: Recipe, harm: str, steps: int) -> str:
    task, _ = begun(name, start, 0, steps)
    x, y = stream(task, harm, steps, 100)
    with tempfile.TemporaryDirectory() as folder:
        firmware = build(task, Path(folder) / "firmware", recipe)
        result = learn(task, firmware, x, y, 0, NONE, Path(folder))
    layers = " ".join(
        f"{r.before}-{r.after}({r.channels}){'*' * r.fell}" for r in result.rectifiers
    )
    return f"{100 * result.accuracy_before:.1f} | {100 * result.accuracy_after:.1f} | {layers} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=NAMES, default="digits")
    parser.add_argument("--start", choices=STARTS, default=STARTS[0])
    parser.add_argument("--rule", choices=list(RULES), default=Recipe.rule)
    parser.add_argument("--steps", type=int, default=1000)
    chosen = parser.parse_args()
    plain = Recipe(rule=chosen.rule)
    task, _ = begun(chosen.task, chosen.start, 0, chosen.steps)
    rate = plain.rule_for(lower(task.graph)).rate
    print("| rate | harm | before | after | channels that answer |\n|---|---|---|---|---|")
    cells = [(f, CLEAN) for f in FACTORS] + [(1, harm) for harm in HARMS if harm != CLEAN]
    for factor, harm in cells:
        recipe = replace(plain, rate=factor * rate)
        cell = row(chosen.task, chosen.start, recipe, harm, chosen.steps)
        print(f"| x{factor} | {harm} | {cell}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
