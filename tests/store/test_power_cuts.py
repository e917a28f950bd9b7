"""The power goes at every operation of the flash: what is kept is the old or the new, whole."""

import random
from itertools import product

import pytest
from flash_desk import GEOMETRIES, TEARS, Desk
from thinned import thinned

# What a device did before, without a cut.
BEGINNINGS = {
    "nothing kept": "",
    "a first trial waits": "c",
    "a first trial runs": "cb",
    "a first trial was given up": "cbb",
    "confirmed": "cf",
    "confirmed, a trial waits": "cfc",
    "confirmed, a trial runs": "cfcb",
    "confirmed, a trial was given up": "cfcbb",
    "both confirmed": "cfcbf",
    "both confirmed, just booted": "cfcbfb",
}
# What is cut: one line of life from power-up on.
LIVES = {"commit": "bc", "confirm": "bcf", "confirm after a boot": "bf", "rollback": "bcr",
         "rollback after a boot": "br", "two commits": "bcc"}


def live(desk: Desk, life: str) -> None:
    """Run the steps, to their end or until the power goes."""
    steps = {"b": desk.boot, "c": desk.commit, "f": desk.confirm, "r": desk.rollback}
    for step in life:
        if desk.off:
            return
        steps[step]()


def begun(store, geometry, beginning: str) -> Desk:
    desk = Desk(store, *geometry)
    live(desk, "b" + beginning)
    return desk


def operations_of(desk: Desk, life: str) -> int:
    """Of the flash in a life without a cut; flash and knowledge are then as before."""
    desk.c.flash_save()
    held = (desk.possible, desk.tags)
    desk.cut(0, "before")
    live(desk, life)
    count = desk.operations()
    again(desk, held)
    return count


def again(desk: Desk, held: tuple) -> None:
    """Flash and knowledge as they were."""
    desk.c.flash_restore()
    desk.possible, desk.tags = held
    desk.weak = False


def check_after(desk: Desk) -> None:
    """Two boots find something whole, and from there on the device goes on as ever."""
    desk.cut(0, "before")
    desk.boot()
    desk.boot()
    assert desk.commit() == 0 and desk.boot() == desk.tags - 1
    assert desk.commit() == 0 == desk.confirm()
    assert desk.boot() == desk.tags - 1 == desk.boot()


def chosen(count: int, most: int) -> list[int]:
    """All of 1..count, or those of the beginning and the end and some between."""
    if count <= most:
        return list(range(1, count + 1))
    third = most // 3
    some = random.Random(count).sample(range(third + 1, count - third), most - 2 * third)
    return [*range(1, third + 1), *sorted(some), *range(count - third + 1, count + 1)]


def cut_everywhere(store, geometry, most: int, seeds: int) -> int:
    """Cut each life from each beginning at ``most`` operations, in every way; how often."""
    cuts = 0
    for beginning, life in product(BEGINNINGS.values(), LIVES.values()):
        desk = begun(store, geometry, beginning)
        count, held = operations_of(desk, life), (desk.possible, desk.tags)
        for at, tear, seed in product(chosen(count, most), TEARS, range(seeds)):
            if seed and tear in ("before", "after"):
                continue
            again(desk, held)
            desk.cut(at, tear, 1 + at * 7 + seed)
            live(desk, life)
            assert desk.off
            check_after(desk)
            cuts += 1
    return cuts


def cut_twice(store, geometry, most: int, seed: int) -> int:
    """A cut at ``most`` operations of each life, and one in what the device does after it."""
    pairs = 0
    rng = random.Random(seed)
    for beginning, life in product(BEGINNINGS.values(), LIVES.values()):
        desk = begun(store, geometry, beginning)
        count, held = operations_of(desk, life), (desk.possible, desk.tags)
        for at in chosen(count, most):
            second = rng.choice(list(LIVES.values()))
            for _ in range(most):
                again(desk, held)
                desk.cut(at, rng.choice(TEARS), rng.getrandbits(30))
                live(desk, life)
                desk.cut(rng.choice([rng.randint(1, 4), rng.randint(1, count)]),
                         rng.choice(TEARS), rng.getrandbits(30))
                live(desk, second)
                pairs += desk.off
                check_after(desk)
    return pairs


def walk(store, geometry, rng: random.Random, steps: int) -> None:
    """A long life at random, cut again and again."""
    desk = Desk(store, *geometry)
    desk.boot()
    for _ in range(steps):
        reach = rng.choice([3, 12, 2 * geometry[3] // geometry[0] + 20])
        desk.cut(rng.randint(1, reach), rng.choice(TEARS), rng.getrandbits(30))
        live(desk, "".join(rng.choices("bcfr", weights=(2, 2, 1, 1), k=4)))
        if desk.off:
            desk.cut(rng.choice([0, 1, 2]), rng.choice(TEARS), rng.getrandbits(30))
            live(desk, "b")
        if desk.off:
            desk.cut(0, "before")
            live(desk, "b")
    check_after(desk)


@pytest.mark.parametrize("geometry", thinned(GEOMETRIES, 4), ids=str)
def test_a_cut_anywhere(store, geometry):
    assert cut_everywhere(store, geometry, most=5, seeds=1) > 500


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_pairs_of_cuts(store, geometry):
    assert cut_twice(store, geometry, most=3, seed=1) > 100


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_lives_at_random(store, geometry):
    rng = random.Random(1)
    for _ in range(20):
        walk(store, geometry, rng, 20)


@pytest.mark.thorough
def test_ten_thousand_pairs_of_cuts(store):
    pairs = sum(cut_twice(store, geometry, most=6, seed=2) for geometry in GEOMETRIES)
    assert pairs >= 10_000


@pytest.mark.slow
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_a_cut_at_every_operation(store, geometry):
    cut_everywhere(store, geometry, most=100_000, seeds=2)
    cut_twice(store, geometry, most=10, seed=3)
    rng = random.Random(2)
    for _ in range(100):
        walk(store, geometry, rng, 60)
