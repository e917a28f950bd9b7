"""The rules of others on the other losses, each with its constant chosen.

    python examples/losses/every_rule.py [--task NAME] [--seeds N]

A line a task, a column a rule, and its constant: the best of a ladder, climbed as
``examples/accuracy/peers.py`` does, here in a cross-validation within the tuning set.  Without a
guard.
"""

from __future__ import annotations

import os
from functools import lru_cache, partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads it

import yardstick  # noqa: F401  examples/accuracy is where it finds float_net, and this script peers
from choice import held_out_score
from on_device import OnDevice
from peers import PEERS, Peer, climbed
from shipped_data import Task
from tables import figures, parse, print_table, summary

from edgetune.errors import UsageError
from edgetune.guard import NONE
from edgetune.learn.recipe import Recipe
from edgetune.measures.measure import Measure


def cells(seeds: int, task: Task, folder: Path) -> list[str]:
    return [
        cell(seeds, task, peer, folder / str(place)) for place, peer in enumerate(PEERS.values())
    ]


def cell(seeds: int, task: Task, peer: Peer, folder: Path) -> str:
    """Of the table: all seeds, with the constant that was chosen."""

    @lru_cache(maxsize=None)
    def device(rate: float | None) -> OnDevice:
        recipe = Recipe(rule=peer.rule, rate=rate, null_mass=peer.null_mass)
        return OnDevice(task, folder / f"rate{rate}", recipe, NONE)

    def score(rate: float) -> float | None:
        def tuned(part: Task, seed: int) -> Measure:
            return device(rate).tuned(seed, part).after

        try:
            return held_out_score(task, tuned)
        except UsageError:  # the rate is too high for the rule
            return None

    rate = None if peer.ladder is None else climbed(peer.ladder, score)
    found = summary(figures(task, (device(rate).tuned(seed).after for seed in range(seeds))))
    return found if rate is None else f"{found} ({rate:g})"


def main() -> None:
    given = parse(__doc__, seeds=3)
    print_table(PEERS, given.task, partial(cells, given.seeds))


if __name__ == "__main__":
    main()
