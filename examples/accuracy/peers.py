"""The rules of others beside the default one, each with its constant chosen.

    python examples/accuracy/peers.py [--task NAME ...] [--rule RULE ...]

A line a task, a column a rule: test accuracy in %, mean and standard deviation over the seeds, and
the constant.  It is the best of a ladder on held-out samples, a third of the tuning set and another
one for each of two seeds, climbed from where the rule mostly serves best until no neighbour
is better.  The published multinomials have no constant; beside them they stand with c = 0 and their
number of trials chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import runs
from one_default import TASKS
from runs import Setting, accuracies, before, end, header, mapping, options, print_lines
from tasks import NAMES

from edgetune.errors import UsageError
from edgetune.learn.recipe import Recipe

CHOICES = 2  # seeds
LEARNING_RATES = (  # the lowest are for inputs in whole pixels, whose gradients are large
    1e-8, 3e-8, 1e-7, 3e-7, 1e-6, 3e-6,
    1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3,
)


class Ladder(NamedTuple):
    """Constants, ascending, and the place of the first one to try."""

    rates: tuple[float, ...]
    first: int


@dataclass(frozen=True)
class Peer:
    """``ladder``: of the rule's rate; None where the default, or what is published, is taken."""

    rule: str
    ladder: Ladder | None = None
    null_mass: float | None = None


PEERS = {
    Recipe.rule: Peer(Recipe.rule),
    "multinomial, published": Peer("multinomial"),
    "multinomial": Peer("multinomial", Ladder((0.008, 0.03, 0.125, 0.5, 2, 8, 32, 128), 5), 0.0),
    "multinomial-global, published": Peer("multinomial-global"),
    "multinomial-global": Peer(
        "multinomial-global", Ladder((0.0001, 0.0004, 0.0015, 0.006, 0.025, 0.1, 0.4, 1.6), 5), 0.0
    ),
    "sgd-stochastic": Peer("sgd-stochastic", Ladder(LEARNING_RATES, 12)),
    "sgd-nearest": Peer("sgd-nearest", Ladder(LEARNING_RATES, 12)),
    "niti": Peer("niti", Ladder((1, 2, 3, 4, 5, 6, 7), 2)),
}


def climbed(ladder: Ladder, score: Callable[[float], float | None]) -> float:
    """The rate on the ladder from which no step leads to a higher ``score(rate)``; from one that is
    too high, whose score is None, the climb goes down."""
    score, at = lru_cache(maxsize=None)(score), ladder.first

    def worth(place: int) -> tuple:
        rate = ladder.rates[place]
        found = score(rate)
        return (False, -rate) if found is None else (True, found, place == at)

    while True:
        best = max(range(max(0, at - 1), min(len(ladder.rates), at + 2)), key=worth)
        if best == at:
            return ladder.rates[at]
        at = best


def held_out_accuracy(setting: Setting) -> float | None:
    """Of all choosing seeds together; None where the rate is too high, for the rule or for the
    network, which then ends no better than it began."""
    chosen = replace(setting, held_out=True)
    try:
        found = sum(accuracies(chosen, CHOICES))
    except UsageError:
        return None
    return found if found > sum(before(chosen, CHOICES)) else None


def cell(setting: Setting, peer: Peer, seeds: int) -> str:
    """Of the table: all seeds, with the constant that was chosen."""
    if peer.ladder is None:
        return runs.cell(setting, seeds)
    rate = climbed(peer.ladder, lambda rate: held_out_accuracy(replace(setting, rate=rate)))
    return f"{runs.cell(replace(setting, rate=rate), seeds)} ({rate:g})"


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, NAMES, TASKS, several_rules=tuple(PEERS))
    given = parser.parse_args(arguments)
    tasks, peers = given.task or TASKS, [PEERS[name] for name in given.rule or PEERS]
    settings = [
        Setting(name, peer.rule, null_mass=peer.null_mass, data=given.data,
                networks=given.networks)
        for name, peer in product(tasks, peers)
    ]
    print(header("task", *(given.rule or PEERS)), flush=True)
    with mapping(given.jobs) as each:
        cells = each(cell, settings, peers * len(tasks), [given.seeds] * len(settings))
        print_lines(tasks, cells, len(peers))
    return 0


if __name__ == "__main__":
    end(main)
