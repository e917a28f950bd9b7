"""The data of a generated model.c has the sizes and places that the plan says."""

import pytest
from arm_objects import claim, object_sizes, project_flags, refusals
from branching import NETWORKS
from emulators import needs_gcc
from thinned import thinned
from tiny_tflite import ModelBuilder

from edgetune.boards import load_board
from edgetune.learn.program import Layer
from edgetune.learn.recipe import Recipe
from edgetune.learn.state import fields, state_type
from edgetune.model.read import read_tflite
from edgetune.plan.c_data import flash_bytes, padded
from edgetune.plan.constants import layer_constants
from edgetune.plan.constants.update import memory_of
from edgetune.plan.plan import make_plan


def chain():
    """Every operator that NETWORKS leaves out; scales that differ by channel."""
    b = ModelBuilder((1, 9, 9, 3), seed=51).pad(1, 1, 1, 1).conv(5, 3, activation="RELU")
    b.max_pool(2, stride=1).depthwise(3, multiplier=2, activation="RELU6").conv(7, 1)
    return b.mean().dense(5).softmax()


BUILDERS = NETWORKS | {"chain": chain}
RECIPES = {
    "all": {}, "last": {"layers": ("last",), "reset": True}, "biases": {"layers": ("biases",)},
}


def plan_of(network, **recipe):
    graph = read_tflite(BUILDERS[network]().build())
    return make_plan(graph, Recipe(**recipe), load_board("stm32f4-discovery"))


def _kinds(cls):
    return {cls}.union(*map(_kinds, cls.__subclasses__()))


def test_every_kind_of_layer_is_in_a_network():
    seen = {type(layer) for name in BUILDERS for layer in plan_of(name).program.layers}
    assert {kind for kind in _kinds(Layer) if kind.kind} == seen


def test_a_layer_without_a_description_is_refused():
    plan = plan_of("chain")
    with pytest.raises(TypeError, match="Layer"):
        layer_constants(Layer("a", 0, 0, 0), plan.program, False)


@needs_gcc
@pytest.mark.parametrize(("network", "recipe"), [
    pytest.param(network, RECIPES[name], id=f"{network}-{name}",
                 marks=() if "chain" in network else pytest.mark.thorough)
    for network in BUILDERS for name in RECIPES
])
def test_objects_have_the_planned_sizes(tmp_path, network, recipe):
    plan = plan_of(network, **recipe)
    found = object_sizes(tmp_path, plan)
    constants = [constant for group in plan.constants for constant in group]
    frozen = plan.frozen
    planned = {constant.name: constant.size for constant in [*constants, *frozen]}
    own = {"arena": plan.arena_bytes, "state": plan.state_bytes}
    own |= {"et_initial": plan.initial_bytes} if plan.initial_bytes else {}
    others = {"et_model", "parameter_digest", "parameters"}
    # Pointers into the arena, which only a build without optimisation keeps.
    apart = {buffer.name for stage in plan.schedule.stages for buffer in memory_of(stage)}
    own |= {buffer.name: 4 for buffer in plan.schedule.buffers
            if buffer.offset is not None and buffer.name not in apart}
    assert {n: size for n, size in found.items() if n not in others} == planned | own
    assert plan.table_bytes == sum(padded(found[c.name], 4) for c in constants)
    assert plan.frozen_bytes == flash_bytes(frozen)


@needs_gcc
@pytest.mark.parametrize("layers", thinned(["all", "last", "none", "biases"], 2))
def test_the_state_of_model_c_is_laid_out_as_the_learners(tmp_path, layers):
    plan = plan_of("chain", layers=(layers,))
    block = state_type(plan.trained, type(plan.rule), weights=layers != "biases")
    text = "#include <stddef.h>\n" + '#include "model.c"\n' + claim(
        f"sizeof state == {block.itemsize}"
    )
    for field in fields(block):
        text += claim(f"offsetof(__typeof__(state), {field.path}) == {field.offset}")
        text += claim(f"sizeof state.{field.path} == {field.size}")
        signed = "int" if field.dtype.kind == "i" else "uint"
        own_type = f"__typeof__(state.{field.path}{'[0]' if field.count > 1 else ''})"
        word = f"{signed}{8 * field.dtype.itemsize}_t"
        text += claim(f"__builtin_types_compatible_p({own_type}, {word})")
    assert refusals(tmp_path, text, project_flags(tmp_path, plan)) == ""
