"""Instructions of a step: every feature that a plan counts has a column in its core's table."""

import pytest
from tiny_tflite import ModelBuilder

from edgetune.boards import CORES
from edgetune.learn.recipe import BIASES, Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.cost_table import load_costs
from edgetune.plan.features import features
from edgetune.plan.plan import make_plan
from edgetune.plan.workload import observe
from edgetune.session.bench import bench_board

RECIPES = {"all": Recipe(), "biases": Recipe(BIASES), "fixed": Recipe(rule="fixed")}


def network():
    """Windows, planes, cells and vectors, pooled, with a hidden dense layer."""
    b = ModelBuilder((1, 9, 8, 3), 1 / 60, -4, seed=3).conv(8, 3, activation="RELU").depthwise(3)
    return read_tflite(b.max_pool(2).conv(12, 1).dense(9, activation="RELU").dense(5).build())


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_cost_that_was_forgotten_is_not_taken_for_none(core, recipe):
    plan = make_plan(network(), recipe, bench_board(core))
    costs, seen = load_costs(plan).instructions, observe(plan)
    for stage in plan.schedule.stages:
        name, found = features(plan, stage, seen)
        assert {feature for feature, count in found.items() if count} <= set(costs[name])
