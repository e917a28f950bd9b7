"""Independent draws as the cost model counts them: rows by halving, then a walk to each column that
starts anew where it lies before the last."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from c_engine import ENGINE, CUpdate
from counted_loops import GCC, GCOV, CountedEngine
from loop_lines import line
from loop_works import dense
from random_layers import errors, int8

from edgetune.plan.update_features import draws
from edgetune.plan.workload import _columns, _row_halvings, _walk_at_random

FILES = (
    "draw.c", "update.c", "trials.c", "generator.c", "row_mass.c", "step.c", "fixed_rate.c",
    "null_mass.c", "fully_connected.c", "digest.c", "learner.c", "dot.c",
    "requantize.c", "error_block.c",
)


@pytest.mark.skipif(not (GCC and GCOV), reason="needs gcc and gcov")
@pytest.mark.thorough
def test_rows_and_draws_turn_as_the_cost_model_says(tmp_path):
    sources = [ENGINE / name for name in FILES]
    engine = CountedEngine(tmp_path, "-DET_DRAW_INDEPENDENT", sources=sources)
    work = dense(9, 11)
    work.layer.weights[...], work.layer.bias[...] = 0, 0
    rng = np.random.default_rng(7)
    update = CUpdate(engine.library, work.layer, work.x, work.y, 2 * 40 * 256, seed=1)
    e, x = errors(rng, work.y), int8(rng, work.x)
    counts = engine.run(lambda library: update.step(e, 0, x))
    work.layer.weights[...], work.layer.bias[...] = update.weights, update.bias // 64
    steps = np.abs(_columns(work.layer))
    seen = {"draws": steps.sum(), "rows": steps.any(axis=1).sum(),
            "halved_rows": _row_halvings(steps)}
    found = draws(replace(work, seen=seen), "independent", walked=False)
    assert found["draws"] == 40
    loops = {
        "draws": line("draw.c", "if (point < before)"),
        "drawn_rows": line("draw.c", "draw_in_row(rows, row, scratch->row_mass[row] - before"),
        "halvings": line("draw.c", "uint32_t middle = low + (high - low) / 2"),
    }
    for name, count in loops.items():
        assert found[name] == count(counts), name


@pytest.mark.parametrize("columns", [[3], [0, 0, 4], [1, 5, 2, 5], [7, 7, 7], [0, 2, 9, 4, 2]])
def test_a_walk_at_random_is_the_mean_over_all_orders(columns):
    def walked(order):
        return sum(column - (before if before <= column else 0)
                   for before, column in zip((0, *order), order))

    orders = list(permutations(columns))
    steps = np.bincount(columns, minlength=11)[None, :]
    assert _walk_at_random(steps) == pytest.approx(sum(map(walked, orders)) / len(orders))
