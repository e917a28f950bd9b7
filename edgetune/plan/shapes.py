"""What kernels need not be able to do, by the shapes of one model: macros of its build."""

from __future__ import annotations

from edgetune.learn import operators as p
from edgetune.learn.lower.backward import InputError
from edgetune.learn.program import Layer
from edgetune.plan.plan import Plan

NARROWING = "ET_WHOLE_FOURS", "ET_FLAT_CONVOLUTIONS"


def shape_defines(plan: Plan) -> dict:
    """Macros by which the engine's kernels leave out what no layer of the model needs:

    - ET_WHOLE_FOURS: all rows, and row sizes of CONV_2D and dense layers, are multiples of four,
      and so are a CONV_2D's input channels where errors pass through it;
    - ET_FLAT_CONVOLUTIONS: a CONV_2D through which errors pass, or whose weights learn from input
      channels that are a multiple of four, is pointwise.
    """
    chosen = zip(NARROWING, (_whole_fours(plan), _flat(plan)))
    return {name: 1 for name, is_on in chosen if is_on}


def _whole_fours(plan: Plan) -> bool:
    passed = _passed(plan)
    sizes = [layer.rows for layer in plan.program.weighted_layers]
    for layer in plan.program.weighted_layers:
        if layer.kind in ("conv_2d", "fully_connected"):
            sizes.append(layer.row_size)
        if layer.kind == "conv_2d" and layer in passed:
            sizes.append(_channels(plan, layer))
    return all(size % 4 == 0 for size in sizes)


def _flat(plan: Plan) -> bool:
    passed, learning = _passed(plan), plan.trained if plan.recipe.learns_weights else []
    return all(
        _is_flat(plan, layer) for layer in plan.program.weighted_layers
        if layer.kind == "conv_2d" and (
            layer in passed or layer in learning and _channels(plan, layer) % 4 == 0
        )
    )


def _passed(plan: Plan) -> list[Layer]:
    """The layers whose input has an error."""
    steps = (stage.step for stage in plan.schedule.stages)
    return [step.layer for step in steps if isinstance(step, InputError)]


def _channels(plan: Plan, layer: Layer) -> int:
    return plan.program.activations[layer.input].shape[2]


def _is_flat(plan: Plan, layer: p.Conv2D) -> bool:
    window, shapes = layer.window, plan.program.activations
    one = window.kernel == window.stride == (1, 1) and window.pad == (0, 0)
    return one and shapes[layer.input].shape[:2] == shapes[layer.output].shape[:2]
