"""model.c: tables, the forward pass and the training step of one model."""

from __future__ import annotations

from importlib.resources import files
from string import Template

from edgetune.codegen.c_text import comment, definitions
from edgetune.codegen.calls import Calls, exponent_of
from edgetune.learn.kept import state_id
from edgetune.plan.plan import Plan
from edgetune.plan.schedule import FRAME, Buffer

_TEMPLATE = Template(
    files("edgetune.codegen").joinpath("model.c.in").read_text(encoding="utf-8")
)


def model_source(plan: Plan, title: str) -> str:
    """The text of model.c; ``title`` names the model in its first line."""
    stages, forward = plan.schedule.stages, plan.schedule.forward_count
    calls = Calls(plan)
    return _TEMPLATE.substitute(
        title=comment(title),
        kernel_headers=_kernel_headers(plan),
        arena=_arena(plan),
        buffers=_buffers(plan),
        trained_state=_trained_state(plan),
        parameters_pointer=_parameters_pointer(plan),
        tables=_tables(plan),
        forward=_body(calls, 0, stages[:forward]),
        output=_output(plan),
        train=_body(calls, forward, stages[forward:]) + _unused(plan),
        model_hash=f"0x{plan.program.graph.hash32:08x}",
        input_bytes=plan.input_bytes,
        output_bytes=plan.output_bytes,
        classes=plan.program.classes,
        target_bytes=plan.program.loss.target_bytes,
        loss=plan.program.loss.kind,
        trained_layers=len(plan.trained),
        board=plan.board.name,
        state_bytes=plan.state_bytes,
        state_id=f"0x{state_id(plan.program, plan.recipe):08x}u",
        stages=len(stages),
        initial=_initial(plan),
        digest_of_parameters=_digest_of_parameters(plan),
        rule_words=_rule_words(plan),
    )


def _kernel_headers(plan: Plan) -> str:
    """Of kernels beside the engine's portable ones."""
    headers = {s.kernel.header for s in plan.schedule.stages if s.kernel.header}
    return "".join(f'#include "{header}"\n' for header in sorted(headers))


def _arena(plan: Plan) -> str:
    """Its definition; the link knows of it where its frame lies there."""
    where = f"arena[{plan.arena_bytes}] __attribute__((aligned(8)));"
    if not plan.savings.shared_frame:
        return f"static uint8_t {where}"
    return f"#define arena et_model_arena\nuint8_t {where}"


def _buffers(plan: Plan) -> str:
    in_arena = [b for b in plan.schedule.buffers if b.offset is not None and b.name != FRAME]
    return "".join(_buffer(b) for b in sorted(in_arena, key=lambda b: (b.first, b.offset)))


def _buffer(b: Buffer) -> str:
    text = f"static {b.ctype} *const {b.name} = ({b.ctype} *)(arena + {b.offset});"
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


def _parameters_pointer(plan: Plan) -> str:
    if not plan.trained:
        return ""
    return "static et_parameters *const parameters = &state.parameters;\n"


def _tables(plan: Plan) -> str:
    groups = [definitions(group) for group in plan.constants]
    return "\n".join(part for part in (*groups, _row_gradients(plan)) if part)


def _row_gradients(plan: Plan) -> str:
    """Adapters from the engine's gradients to the type that the update takes."""
    stages = plan.schedule.stages
    kinds = sorted({s.layer.kind for s in stages if s.layer and s.gradient})
    return "\n".join(
        f"static void {kind}_row(const void *layer, uint32_t row, const int8_t *e, "
        "const int8_t *x,\n"
        f"{' ' * len(f'static void {kind}_row(')}int32_t *gradient)\n{{\n"
        f"    et_{kind}_gradient(layer, row, e, x, gradient);\n}}\n"
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


def _output(plan: Plan) -> str:
    program = plan.program
    output = program.storage(program.output)
    layer = [la for la in program.layers if program.storage(la.output) == output][-1]
    stage = next(s for s in plan.schedule.stages if s.layer is layer)
    return stage.buffers["y"].name


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
