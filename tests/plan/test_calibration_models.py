"""The models that costs are measured with hold all that a plan can ask for."""

from collections import Counter
from dataclasses import replace

import pytest

from edgetune.boards import CORES
from edgetune.learn.lower import lower
from edgetune.learn.recipe import BIASES, Recipe
from edgetune.learn.rules import RULES
from edgetune.plan.kernels import KERNELS
from edgetune.plan.plan import make_plan
from edgetune.plan.schedule import make_schedule
from edgetune.plan.workload import observe
from edgetune.session.bench import bench_board
from tools.calibration import models
from tools.calibration.models import SHAPES, everything, examples_beyond, losses, spread

STAGES = set(KERNELS) - {"update", "update_formed"}
DSP = CORES["cortex-m4"]
MVE = CORES["cortex-m55"]
PORTABLE = replace(DSP, dsp=False)
# By what is measured: the function and, of an update, what forms its gradient.
OWN = {(k.symbol, k.forms) for row in KERNELS.values() for k in row if not k.library}
ALL = Recipe.layers


def stages(graph, recipe=Recipe()) -> set[str]:
    """Of one step; what forms a weighted layer's gradient belongs to its update."""
    program = lower(graph, recipe.loss_choice)
    return {
        f"{stage.layer.kind}_gradient" if stage.call in ("update", "update_formed")
        else stage.call
        for stage in make_schedule(program, recipe, CORES["cortex-m4"]).stages
    }


def own_kernels(graph, recipe=Recipe()) -> set[tuple[str, str]]:
    """Of one step with the DSP extension, with MVE, and of one without."""
    program = lower(graph, recipe.loss_choice)
    return {
        (kernel.symbol, kernel.forms)
        for core in (DSP, MVE, PORTABLE)
        for stage in make_schedule(program, recipe, core).stages
        for kernel in stage.kernels
    }


def linked() -> set[str]:
    """All that the sizes are measured with."""
    recipes = [Recipe(layers, rule=rule) for layers in (ALL, BIASES) for rule in RULES]
    others = [*losses(), *((everything(), recipe) for recipe in recipes)]
    return stages(everything()).union(*(stages(*model) for model in others))


@pytest.mark.thorough
def test_everything_links_every_stage():
    """A stage that is in none of these would have no size in any plan."""
    assert STAGES == linked()


@pytest.mark.thorough
def test_the_spread_measures_every_kernel_in_several_models():
    counted = Counter(kernel for model in spread() for kernel in own_kernels(*model))
    assert not {kernel for kernel in OWN if counted[kernel] < 2}


@pytest.mark.thorough
def test_everything_has_what_the_dsp_extension_serves():
    extended = {k for k in OWN if any(name in "".join(k) for name in ("dsp", "lines", "mve"))}
    assert extended <= own_kernels(everything())


@pytest.mark.thorough
def test_the_spread_measures_every_stage_in_several_models():
    counted = Counter(stage for model in spread() for stage in stages(*model))
    assert not {stage for stage in STAGES if counted[stage] < 2}


@pytest.mark.thorough
def test_an_operator_that_the_models_lack_comes_in_by_its_example():
    graph, recipe = losses()[0]
    found = examples_beyond([(graph, recipe)])
    counted = Counter(stage for model in found for stage in stages(*model))
    for kind in ("pad", "concatenation"):
        assert counted[f"{kind}_forward"] == counted[f"{kind}_input_error"] == len(SHAPES)
    assert not examples_beyond([(graph, recipe), *found])


@pytest.mark.thorough
def test_everything_takes_in_what_has_no_model(monkeypatch):
    """Here all that branches bring but their dilated windows."""

    def windows(b, filters):
        return b.conv(filters, 3, dilation=2).depthwise((3, 2), dilation=2)

    monkeypatch.setattr(models, "_branches", windows)
    assert STAGES == linked()


@pytest.mark.thorough
def test_walks_are_told_apart_from_what_is_measured():
    """The weights that draws pass in each model: most of all in some, hardly any in others."""
    def passed(recipe):
        plan = make_plan(models._last_layers(), recipe, bench_board("cortex-m4"))
        layers, seen = plan.trained[2:4], observe(plan)
        return sum(seen[la.name]["walk"] for la in layers) / sum(la.weights.size for la in layers)

    assert passed(models.HARDLY_DRAWN) < 0.05 and passed(models.FIXED) > 0.3
    assert sum(recipe == models.HARDLY_DRAWN for _, recipe in spread()) > 5
