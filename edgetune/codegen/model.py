"""model.c: tables, the forward pass and the training step of one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from importlib.resources import files
from string import Template

import numpy as np

from edgetune.codegen.c_text import comment, definitions, numbers
from edgetune.codegen.calls import Calls, exponent_of
from edgetune.learn.kept import state_id
from edgetune.plan.constants.update import memory_of
from edgetune.plan.forward import output_buffer
from edgetune.plan.plan import Plan
from edgetune.plan.schedule import FRAME, Buffer

_FOLDER = files("edgetune.codegen")
DECLARED = "int32_t "  # before the exponent of an error, where a stage is the first to name it


class Shape(Enum):
    """What a model.c can do: learn a sample at once, learn it in slices, or only run."""

    WHOLE = "whole"
    SLICES = "slices"
    INFERENCE = "inference"


def model_source(
    plan: Plan, title: str, shape: Shape = Shape.WHOLE, *, costs: Sequence[int] = (),
    aside: Plan | None = None,
) -> str:
    """The text of model.c.

    Args:
        plan: of `forward_plan`, where the ``shape`` is INFERENCE.
        title: names the model in the first line.
        costs: instructions of each stage, for a step in slices.
        aside: the `forward_plan` by which a step in slices predicts meanwhile.
    """
    learns = shape is not Shape.INFERENCE
    facts = {
        "title": comment(title),
        "headers": _headers(plan, shape, aside),
        "arena": _arena(plan, shape) + _aside_arena(aside),
        "buffers": _buffers(plan) + (_buffers(aside, "aside") if aside else ""),
        "state": _state(plan, shape, aside) if learns else "",
        "tables": _tables(plan, learns),
        "model_hash": f"0x{plan.program.graph.hash32:08x}",
        "input_bytes": plan.input_bytes,
        "output_bytes": plan.output_bytes,
        "state_size": "sizeof state" if learns else 0,
        "arena_bytes": plan.arena_bytes,
        "classes": plan.program.classes,
        "target_bytes": plan.program.loss.target_bytes if learns else 0,
        "trained_layers": len(plan.trained),
        "board": plan.board.name,
    }
    facts["steps"] = _steps(plan, shape, costs, aside)
    facts["learning"] = _learning(plan, shape, aside) if learns else ""
    return _filled("model.c.in", facts).rstrip("\n") + "\n"


def _filled(template: str, facts: Mapping) -> str:
    text = _FOLDER.joinpath(template).read_text(encoding="utf-8")
    return Template(text).substitute(facts)


def _steps(plan: Plan, shape: Shape, costs: Sequence[int], aside: Plan | None) -> str:
    """The functions that run the stages."""
    calls, stages = Calls(plan), plan.schedule.stages
    count = plan.schedule.forward_count
    output = output_buffer(aside or plan).name
    if shape is Shape.SLICES:
        if aside:
            beside = Calls(aside, plan, "before.")
            forward = _plain(beside, aside.schedule.stages)
        else:
            forward = _RUN.format(count=count)
        slices = _filled("slices.c.in", _slices(plan, calls, costs, aside))
        return f"{slices}\n" + _filled("forward.c.in", {"forward": forward, "output": output})
    if shape is Shape.INFERENCE:
        forward = _plain(calls, stages)
        return _filled("forward.c.in", {"forward": forward, "output": output})
    forward = f"    ET_STAGE_BEGIN();\n{_body(calls, 0, stages[:count])}"
    return _filled("forward.c.in", {"forward": forward, "output": output}) + _filled(
        "step.c.in", {"train": _body(calls, count, stages[count:]) + _unused(plan)}
    )


_RUN = """    step_input = input;
    et_model_stages(0, {count});
"""


_END = """        if (end == {end}) {{
            break;
        }}
        /* fall through */
"""


def _plain(calls: Calls, stages: list) -> str:
    return "".join(f"    {calls.write(stage)}\n" for stage in stages)


def _slices(plan: Plan, calls: Calls, costs: Sequence[int], aside: Plan | None) -> dict:
    stages, first = plan.schedule.stages, plan.schedule.forward_count
    cases, exponents = "", []
    for index, stage in enumerate(stages):
        text = calls.write(stage)
        if text.startswith(DECLARED):
            text = text.removeprefix(DECLARED)
            exponents.append(text.split(" ", 1)[0])
        if index == first:
            output = output_buffer(plan).name
            text = f"result.prediction = et_argmax({output}, {plan.output_bytes});\n    {text}"
        lines = text.replace("\n", "\n    ")
        cases += f"    case {index}:\n        {lines}\n{_END.format(end=index + 1)}"
    return {
        "exponents": "".join(f"static int32_t {name};\n" for name in exponents),
        "stages": len(stages), "costs": numbers(np.array(costs)), "cases": cases,
        "remember": _remember(aside),
    }


def _learning(plan: Plan, shape: Shape, aside: Plan | None) -> str:
    stages = len(plan.schedule.stages)
    return _filled("learning.c.in", {
        "profile": _PROFILE.format(stages=stages) if shape is Shape.WHOLE else "",
        "state_bytes": plan.state_bytes,
        "loss": plan.program.loss.kind,
        "classes": plan.program.classes,
        "state_id": f"0x{state_id(plan.program, plan.recipe):08x}u",
        "initial": _initial(plan),
        "digest_of_parameters": _digest_of_parameters(plan),
        "rule_words": _rule_words(plan),
        "remember": _remember(aside),
    })


_PROFILE = """#ifdef ET_PROFILE
uint32_t et_profile_ticks[{stages}], et_profile_last;
uint16_t et_profile_stages = {stages};
#endif

"""


def _remember(aside: Plan | None) -> str:
    """What predictions read becomes what was learnt."""
    return "    et_copy_words(&before, parameters, sizeof before);\n" if aside else ""


def _headers(plan: Plan, shape: Shape, aside: Plan | None) -> str:
    """What model.c includes, in the order of names but for the kernels'."""
    kernels = sorted({s.kernel.header for s in plan.schedule.stages if s.kernel.header})
    names = [
        "argmax.h", *(["copy_words.h"] if aside else []), "kept.h", *kernels,
        "losses.h", "model_config.h", "operators.h",
        *(["profile.h"] if shape is Shape.WHOLE else []), "update.h", "weights.h",
    ]
    without = {"argmax.h", "kept.h", "losses.h", "update.h"}
    runs = shape is Shape.INFERENCE
    return "".join(f'#include "{name}"\n' for name in names if not (runs and name in without))


def _state(plan: Plan, shape: Shape, aside: Plan | None) -> str:
    pointer = (
        "static et_parameters *const parameters = &state.parameters;\n" if plan.trained else ""
    )
    before = (
        "/* What is trained as it was before the step under way: predictions read it. */\n"
        "static et_parameters before ET_STATE_PLACE;\n" if aside else ""
    )
    place = "" if shape is Shape.WHOLE else " ET_STATE_PLACE"
    return (
        "/* All that learning changes, in one block. */\n"
        f"static struct {{\n    et_learner learner;\n{_trained_state(plan)}}} state{place};\n\n"
        f"{pointer}{before}static uint32_t parameter_digest;\n\n"
    )


def _arena(plan: Plan, shape: Shape) -> str:
    """Its definition; a product can place it.  The link knows of it where its frame lies there."""
    where = f"arena[{plan.arena_bytes}] __attribute__((aligned(8)))"
    if shape is not Shape.WHOLE:
        return _PLACED.format(where=where)
    if not plan.savings.shared_frame:
        return f"static uint8_t {where};"
    return f"#define arena et_model_arena\nuint8_t {where};"


_PLACED = """#if defined ET_ARENA_ADDRESS
#define arena ((uint8_t *)ET_ARENA_ADDRESS)
#elif defined ET_ARENA_ARRAY
extern uint8_t ET_ARENA_ARRAY[];
#define arena ET_ARENA_ARRAY
#else
static uint8_t {where} ET_ARENA_PLACE;
#endif"""


def _aside_arena(aside: Plan | None) -> str:
    if aside is None:
        return ""
    size = f"aside[{aside.arena_bytes}]"
    return f"\nstatic uint8_t {size} __attribute__((aligned(8))) ET_ARENA_PLACE;"


def _buffers(plan: Plan, arena: str = "arena") -> str:
    apart = {id(b) for stage in plan.schedule.stages for b in memory_of(stage)}
    in_arena = [b for b in plan.schedule.buffers
                if b.offset is not None and b.name != FRAME and id(b) not in apart]
    return "".join(
        _buffer(b, arena) for b in sorted(in_arena, key=lambda b: (b.first, b.offset))
    )


def _buffer(b: Buffer, arena: str) -> str:
    cast = f"({b.ctype} *)" if b.ctype == "int8_t" else f"({b.ctype} *)(void *)"
    text = f"static {b.ctype} *const {b.name} = {cast}({arena} + {b.offset});"
    return f"{text} /* {b.size} bytes, stages {b.first} to {b.last} */\n"


def _trained_state(plan: Plan) -> str:
    """The rest of the state block; nothing where nothing is trained."""
    if not plan.trained:
        return ""
    network = "" if plan.rule.network is None else f"    et_{plan.rule.symbol}_network network;\n"
    layers = f"    et_rule_layer layers[{len(plan.trained)}];\n" if plan.rule.layers else ""
    return f"{network}{layers}    et_parameters parameters;\n"


def _kept(plan: Plan) -> list[str]:
    """The members of the state block that the rule keeps, one behind the other."""
    network = [] if plan.rule.network is None else ["state.network"]
    layers = ["state.layers"] if plan.rule.layers else []
    return [*network, *layers] if plan.trained else []


def _rule_words(plan: Plan) -> str:
    """Where the rule's words start, and how many they are: the arguments of et_digest."""
    if not _kept(plan):
        return "0, 0"
    words = sum(1 for _ in plan.rule.words())
    return f"(const uint32_t *)&{_kept(plan)[0]}, {words}"


def _tables(plan: Plan, learns: bool) -> str:
    groups = plan.constants if learns else plan.constants[:-3]  # none of the loss and updates
    parts = [*map(definitions, groups), _row_gradients(plan) if learns else ""]
    return "\n".join(part for part in parts if part)


def _row_gradients(plan: Plan) -> str:
    """Adapters from the engine's gradients to the type that the update takes."""
    stages = plan.schedule.stages
    kinds = sorted({s.layer.kind for s in stages if s.layer and s.gradient})
    return "\n".join(
        f"static void {kind}_row(const void *layer, uint32_t row, const int8_t *e, "
        "const int8_t *x,\n"
        f"{' ' * len(f'static void {kind}_row(')}int32_t centre, int32_t *gradient)\n{{\n"
        f"    et_{kind}_gradient(layer, row, e, x, centre, gradient);\n}}\n"
        for kind in kinds
    )


def _body(calls: Calls, first: int, stages: list) -> str:
    return "".join(
        f"    {calls.write(stage)}\n    ET_STAGE({index});\n"
        for index, stage in enumerate(stages, first)
    )


def _unused(plan: Plan) -> str:
    """What is computed for training alone, where nothing is trained."""
    if plan.trained:
        return ""
    loss = plan.schedule.stages[-1].buffers["e"]
    return f"    (void){exponent_of(loss)};\n"


def _initial(plan: Plan) -> str:
    """The statements that put what is trained into its first state."""
    if not plan.trained:
        return ""
    parameters = (
        "memset(parameters, 0, sizeof *parameters)" if plan.recipe.reset
        else "memcpy(parameters, &et_initial, sizeof *parameters)"
    )
    kept = "".join(f"    memset(&{words}, 0, sizeof {words});\n" for words in _kept(plan))
    return f"    {parameters};\n{kept}"


def _digest_of_parameters(plan: Plan) -> str:
    if not plan.trained:
        return "    return 0;\n"
    return (
        "    uint32_t sum = 0;\n"
        f"    for (uint32_t i = 0; i < {len(plan.trained)}; i++) {{\n"
        "        sum += et_parameter_digest(&trained[i]);\n    }\n    return sum;\n"
    )
