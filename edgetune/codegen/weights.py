"""weights.h and weights.c: the parameters' types and their values in flash."""

from __future__ import annotations

from edgetune.codegen.c_text import declarator, definition, numbers
from edgetune.plan.c_data import SCALARS, Array
from edgetune.plan.constants import parameter_constants
from edgetune.plan.plan import Plan


def weights_header(plan: Plan) -> str:
    """Declares ``et_parameters``, its initial values and what is frozen."""
    frozen = "".join(
        f"extern const {declarator(array.ctype, array.name)};\n"
        for array in plan.frozen
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
    for name, (member, *_) in (plan.parameters_type.fields or {}).items():
        item, shape = member.subdtype or (member, (1,))
        members += f"    {declarator(Array(SCALARS[item.name], shape[0]), name)};\n"
    return f"typedef struct {{\n{members}}} et_parameters;\n"


def weights_source(plan: Plan) -> str:
    """Defines what ``weights_header`` declares."""
    text = '#include "weights.h"\n'
    weights = plan.recipe.learns_weights
    if plan.initial_bytes:
        values = "".join(
            f"    .{array.name} = {{\n{numbers(array.value, ' ' * 8)}\n    }},\n"
            for layer in plan.trained for array in parameter_constants(layer, weights)
        )
        text += f"\nconst et_parameters et_initial = {{\n{values}}};\n"
    for array in plan.frozen:
        text += "\n" + definition(array, "const")
    return text
