"""weights.h and weights.c: the parameters' types and their values in flash."""

from __future__ import annotations

from edgetune.codegen.c_text import array, numbers
from edgetune.plan.plan import Plan


def weights_header(plan: Plan) -> str:
    """Declares ``et_parameters``, its initial values and the frozen weights."""
    fields = "".join(
        f"    int8_t {layer.name}_weights[{layer.weights.size}];\n"
        f"    int32_t {layer.name}_bias[{layer.rows}];\n"
        for layer in plan.trained
    )
    frozen = "".join(
        f"extern const int8_t {layer.name}_weights[{layer.weights.size}];\n"
        f"extern const int32_t {layer.name}_bias[{layer.rows}];\n"
        for layer in frozen_layers(plan)
    )
    initial = "extern const et_parameters et_initial;\n" if plan.initial_bytes else ""
    parameters = f"typedef struct {{\n{fields}}} et_parameters;\n\n" if plan.trained else ""
    return (
        "/* What the recipe trains, and the weights in flash. */\n"
        "#ifndef ET_WEIGHTS_H\n#define ET_WEIGHTS_H\n\n#include <stdint.h>\n\n"
        f"{parameters}{initial}{frozen}\n#endif\n"
    )


def weights_source(plan: Plan) -> str:
    """Defines what ``weights_header`` declares."""
    text = '#include "weights.h"\n'
    if plan.initial_bytes:
        fields = "".join(
            f"    .{layer.name}_weights = {{\n{numbers(layer.weights, ' ' * 8)}\n    }},\n"
            f"    .{layer.name}_bias = {{\n{numbers(layer.bias, ' ' * 8)}\n    }},\n"
            for layer in plan.trained
        )
        text += f"\nconst et_parameters et_initial = {{\n{fields}}};\n"
    for layer in frozen_layers(plan):
        text += "\n" + array(f"{layer.name}_weights", layer.weights, "const")
        text += "\n" + array(f"{layer.name}_bias", layer.bias, "const")
    return text


def frozen_layers(plan: Plan) -> list:
    return [layer for layer in plan.program.weighted_layers if not plan.is_trained(layer)]
