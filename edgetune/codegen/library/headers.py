"""The header that a product includes, and the engine's own of sizes and choices."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from edgetune import __version__
from edgetune.codegen.c_text import comment
from edgetune.codegen.project import recipe_defines
from edgetune.learn.kept import state_id
from edgetune.plan.plan import Plan
from edgetune.printable import one_line
from edgetune.resources import resource_path


def product_header(
    plan: Plan, prefix: str, title: str, *, costs: Sequence[int], classes: Sequence[str],
    ram: int, learns: bool, link: bool,
) -> str:
    """``<prefix>.h``: the model's name in C, and what a product has to know of it."""
    facts: list[tuple[str, object]] = [
        ("VERSION", _string(__version__)), ("PROTOCOL", f"{protocol_version()}u"),
        *_input_facts(plan), *_output_facts(plan, classes),
        ("TARGET_BYTES", f"{plan.program.loss.target_bytes if learns else 0}u"),
        ("STATE_BYTES", f"{plan.state_bytes}u"), ("ARENA_BYTES", f"{plan.arena_bytes}u"),
        ("RAM_BYTES", f"{ram}u"),
    ]
    if learns:
        facts += [
            ("STAGES", f"{len(costs)}u"), ("STEP_INSTRUCTIONS", f"{sum(costs)}u"),
            ("LONGEST_STAGE", f"{max(costs)}u"),
        ]
    up = prefix.upper()
    linked = f"extern const edgetune_link {prefix}_link;\n" if link else ""
    lines = "".join(f"#define {up}_{name} {value}\n" for name, value in facts)
    return (
        f"/* {comment(title)}, as edgetune made it a library: see README.md.  RAM_BYTES: all that\n"
        "   it takes but for the stack; instructions are estimates. */\n"
        f"#ifndef {up}_H\n#define {up}_H\n\n#include \"edgetune.h\"\n"
        f"{_INCLUDE_LINK if link else ''}\n{lines}\n"
        "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
        f"extern const edgetune_model {prefix};\n"
        f"{linked}\n#ifdef __cplusplus\n}}\n#endif\n\n#endif\n"
    )


_INCLUDE_LINK = '#include "edgetune_link.h"\n'


def config_header(
    plan: Plan, prefix: str, title: str, *, build_id: int, stages: int, between: bool, link: bool,
) -> str:
    """``model_config.h``: what the library's own files have to know; no product includes it."""
    up = prefix.upper()
    facts = {
        **recipe_defines(plan), "ET_NAME": prefix, "ET_TITLE": _string(title),
        "ET_BUILD_ID": f"0x{build_id:08x}u",
        "ET_MODEL_HASH": f"0x{plan.program.graph.hash32:08x}u",
        "ET_STATE_ID": f"0x{state_id(plan.program, plan.recipe):08x}u",
        "ET_INPUT_BYTES": f"{plan.input_bytes}u",
        "ET_TARGET_BYTES": f"{plan.program.loss.target_bytes}u",
        "ET_OUTPUT_BYTES": f"{plan.output_bytes}u", "ET_STATE_BYTES": f"{plan.state_bytes}u",
        "ET_ARENA_BYTES": f"{plan.arena_bytes}u", "ET_STAGES": f"{stages}u",
        **({"ET_PREDICT_BETWEEN": 1} if between else {}),
        **(_link_facts(plan, prefix) if link else {}),
    }
    lines = "".join(f"#define {name} {value}\n" for name, value in facts.items())
    return (
        "/* Sizes and choices of the library; generated. */\n"
        f"#ifndef ET_MODEL_CONFIG_H\n#define ET_MODEL_CONFIG_H\n\n{lines}\n"
        f"{_PLACES.replace('@', up)}\n#endif\n"
    )


def _link_facts(plan: Plan, prefix: str) -> dict[str, str]:
    link = plan.link
    return {
        "ET_LINK_NAME": f"{prefix}_link", "ET_FRAME_MAX": f"{link.frame_max}u",
        "ET_REPLY_MAX": f"{link.reply_max}u", "ET_RX_RING": f"{link.rx_ring}u",
    }


_PLACES = """/* Where the product wants the memory, by macros of its build: the arena in a
   section, in an array of the product's or at an address, 8-byte aligned; the state in a
   section. */
#ifdef @_ARENA_SECTION
#define ET_ARENA_PLACE __attribute__((section(@_ARENA_SECTION)))
#else
#define ET_ARENA_PLACE
#endif
#ifdef @_ARENA_ARRAY
#define ET_ARENA_ARRAY @_ARENA_ARRAY
#endif
#ifdef @_ARENA_ADDRESS
#define ET_ARENA_ADDRESS @_ARENA_ADDRESS
#endif
#ifdef @_STATE_SECTION
#define ET_STATE_PLACE __attribute__((section(@_STATE_SECTION)))
#else
#define ET_STATE_PLACE
#endif
"""


def protocol_version() -> int:
    """Of the link, as the firmware has it."""
    text = (resource_path("firmware") / "link" / "messages.h").read_text(encoding="utf-8")
    found = re.search(r"#define ET_PROTOCOL_VERSION (\d+)u", text)
    assert found
    return int(found[1])


def _input_facts(plan: Plan) -> Iterator[tuple[str, object]]:
    yield "INPUT_BYTES", f"{plan.input_bytes}u"
    tensor = plan.program.graph.input
    parts = tensor.parts or (tensor,)
    at = 0
    for number, part in enumerate(parts):
        name = "INPUT" if len(parts) == 1 else f"INPUT_{number}"
        if len(parts) > 1:
            yield f"{name}_AT", f"{at}u"
        at += part.size
        yield f"{name}_SHAPE", "{" + ", ".join(map(str, part.shape[1:])) + "}"
        if part.quantization is not None:
            yield f"{name}_SCALE", _real(part.quantization.scale[0])
            yield f"{name}_ZERO_POINT", f"({int(part.quantization.zero_point[0])})"


def _output_facts(plan: Plan, classes: Sequence[str]) -> Iterator[tuple[str, object]]:
    output = plan.program.activations[plan.program.output]
    yield "OUTPUT_BYTES", f"{plan.output_bytes}u"
    yield "OUTPUT_SCALE", _real(output.scale)
    yield "OUTPUT_ZERO_POINT", f"({output.zero_point})"
    yield "CLASSES", f"{plan.program.classes}u"
    if classes:
        yield "CLASS_NAMES", "{" + ", ".join(map(_string, classes)) + "}"


def _real(value: float) -> str:
    """A float32 of C, exactly."""
    text = f"{float(value):.9g}"
    return f"{text}f" if any(sign in text for sign in ".en") else f"{text}.0f"


def _string(text: str) -> str:
    safe = one_line(text).replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?")
    return f'"{safe}"'
