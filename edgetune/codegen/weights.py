"""weights.h and weights.c: the parameters' types and their values in flash."""

from __future__ import annotations

from edgetune.codegen.c_text import declarator, definition, numbers
from edgetune.learn.operators import WeightedLayer
from edgetune.learn.state import bias_member, parameters_type, weights_member
from edgetune.plan.c_data import SCALARS, Array, CObject, array_object
from edgetune.plan.plan import Plan


def weights_header(plan: Plan) -> str:
    """Declares ``et_parameters``, its initial values and the frozen weights."""
    frozen = "".join(
        f"extern const {declarator(array.ctype, array.name)};\n"
        for array in frozen_parameters(plan)
    )
    initial = "extern const et_parameters et_initial;\n" if plan.initial_bytes else ""
    parameters = f"{_parameters(plan)}\n" if plan.trained else ""
    return (
        "/* What the recipe trains, and the weights in flash. */\n"
        "#ifndef ET_WEIGHTS_H\n#define ET_WEIGHTS_H\n\n#include <stdint.h>\n\n"
        f"{parameters}{initial}{frozen}\n#endif\n"
    )


def _parameters(plan: Plan) -> str:
    """The type of what is trained, as the state block holds it."""
    members = ""
    for name, (member, *_) in (parameters_type(plan.trained).fields or {}).items():
        item, shape = member.subdtype or (member, (1,))
        members += f"    {declarator(Array(SCALARS[item.name], shape[0]), name)};\n"
    return f"typedef struct {{\n{members}}} et_parameters;\n"


def weights_source(plan: Plan) -> str:
    """Defines what ``weights_header`` declares."""
    text = '#include "weights.h"\n'
    if plan.initial_bytes:
        values = "".join(
            f"    .{array.name} = {{\n{numbers(array.value, ' ' * 8)}\n    }},\n"
            for layer in plan.trained for array in _arrays(layer)
        )
        text += f"\nconst et_parameters et_initial = {{\n{values}}};\n"
    for array in frozen_parameters(plan):
        text += "\n" + definition(array, "const")
    return text


def frozen_parameters(plan: Plan) -> list[CObject]:
    """Weights and biases of the layers that are not trained."""
    layers = [layer for layer in plan.program.weighted_layers if layer not in plan.trained]
    return [array for layer in layers for array in _arrays(layer)]


def _arrays(layer: WeightedLayer) -> list[CObject]:
    return [
        array_object(weights_member(layer), layer.weights),
        array_object(bias_member(layer), layer.bias),
    ]
