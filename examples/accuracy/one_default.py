"""One default for all: accuracy of every task at parts and multiples of a rule's default rate.

    python examples/accuracy/one_default.py [--task NAME] [--rule RULE] [--factors 0.25 0.5 1 2 4 8]

Mean and standard deviation over the seeds, in %, on the test set.  ``--held-out`` leaves the test
set alone, for choices: a third of the tuning set is tested, another one for each seed.
``--endless`` runs without an end, ``--steps N`` for so many steps instead of two passes.
"""

from __future__ import annotations

from itertools import product

from runs import Setting, cell, end, header, mapping, options, print_lines
from tasks import MADE, NAMES

FACTORS = 0.25, 0.5, 1, 2, 4, 8
TASKS = "digits", "har", "mnist", "kws", "kws-head", "cifar", *MADE


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, NAMES, TASKS)
    parser.add_argument("--factors", type=float, nargs="+", default=FACTORS)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--endless", action="store_true")
    parser.add_argument("--held-out", action="store_true")
    given = parser.parse_args(arguments)
    tasks = given.task or TASKS
    settings = [
        Setting(name, given.rule, factor, given.steps, given.endless, given.held_out, given.data,
                given.networks)
        for name, factor in product(tasks, given.factors)
    ]
    print(header("task", *(f"x{factor:g}" for factor in given.factors)), flush=True)
    with mapping(given.jobs) as each:
        cells = each(cell, settings, [given.seeds] * len(settings))
        print_lines(tasks, cells, len(given.factors))
    return 0


if __name__ == "__main__":
    end(main)
