"""From random weights, as the rule's paper starts: MNIST after one epoch, and after more.

    python examples/accuracy/networks.py linear hidden convolutional
    python examples/accuracy/from_random.py [--rule RULE ...] [--epochs N] [--samples N]

A line a rule, with its default: test accuracy in %, mean and standard deviation over the seeds, of
a linear classifier, of one with 128 hidden units, and of a small convolutional network, all int8.
An epoch is 60,000 samples: ``mnist.npz`` holds fewer digits, which are gone through again, each
time in another order.  The steps anneal over all epochs.
"""

from __future__ import annotations

from itertools import product

from mnist_digits import FROM_RANDOM
from runs import Setting, cell, end, header, mapping, options, print_lines

from edgetune.learn.recipe import Recipe
from edgetune.learn.rules import RULES

EPOCH = 60_000


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, FROM_RANDOM, FROM_RANDOM, several_rules=RULES)
    parser.add_argument("--samples", type=int, default=EPOCH, help="of an epoch")
    parser.add_argument("--epochs", type=int, default=1)
    given = parser.parse_args(arguments)
    tasks, rules = given.task or FROM_RANDOM, given.rule or [Recipe.rule]
    steps = given.epochs * given.samples
    settings = [
        Setting(name, rule, steps=steps, data=given.data, networks=given.networks)
        for rule, name in product(rules, tasks)
    ]
    print(header("rule", *tasks), flush=True)
    with mapping(given.jobs) as each:
        cells = each(cell, settings, [given.seeds] * len(settings))
        print_lines(rules, cells, len(tasks))
    return 0


if __name__ == "__main__":
    end(main)
