"""model.c: tables, the forward pass and the training step of one model."""

from __future__ import annotations

from importlib.resources import files
from string import Template

from edgetune.codegen.calls import Calls, exponent_of
from edgetune.codegen.losses import loss_tables
from edgetune.codegen.tables import constants, tables
from edgetune.learn import operators as p
from edgetune.learn.digest import digest_base
from edgetune.plan.plan import Plan
from edgetune.plan.schedule import Buffer

_TEMPLATE = Template(
    files("edgetune.codegen").joinpath("model.c.in").read_text(encoding="utf-8")
)


def model_source(plan: Plan, title: str) -> str:
    """The text of model.c; ``title`` names the model in its first line."""
    stages, forward = plan.schedule.stages, plan.schedule.forward_count
    calls = Calls(plan)
    return _TEMPLATE.substitute(
        title=title,
        kernel_headers=_kernel_headers(plan),
        arena_bytes=plan.arena_bytes,
        buffers=_buffers(plan),
        trained_state=_trained_state(plan),
        parameters_pointer=_parameters_pointer(plan),
        tables="\n".join(part for part in _tables(plan) if part),
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
        stages=len(stages),
        initial=_initial(plan),
        digest_of_parameters=_digest_of_parameters(plan),
        null_masses="state.null_mass" if plan.trained else "0",
    )


def _kernel_headers(plan: Plan) -> str:
    """Of kernels that lie in libraries."""
    sources = {s.kernel.source for s in plan.schedule.stages if s.kernel.library}
    return "".join(f'#include "{source[:-2]}.h"\n' for source in sorted(sources))


def _buffers(plan: Plan) -> str:
    in_arena = [b for b in plan.schedule.buffers if b.offset is not None]
    return "".join(_buffer(b) for b in sorted(in_arena, key=lambda b: (b.first, b.offset)))


def _buffer(b: Buffer) -> str:
    text = f"static {b.ctype} *const {b.name} = ({b.ctype} *)(arena + {b.offset});"
    return f"{text} /* {b.size} bytes, stages {b.first} to {b.last} */\n"


def _trained_state(plan: Plan) -> str:
    """The rest of the state block; nothing where nothing is trained."""
    if not plan.trained:
        return ""
    return f"    et_null_mass null_mass[{len(plan.trained)}];\n    et_parameters parameters;\n"


def _parameters_pointer(plan: Plan) -> str:
    if not plan.trained:
        return ""
    return "static et_parameters *const parameters = &state.parameters;\n"


def _tables(plan: Plan) -> list[str]:
    return [
        constants(plan),
        *(tables(layer, plan) for layer in plan.program.layers),
        loss_tables(plan),
        _trained(plan),
        _row_gradients(plan),
    ]


def _trained(plan: Plan) -> str:
    if not plan.trained:
        return ""
    rows = "".join(
        _trained_row(plan, index, layer, limit, first)
        for index, (layer, limit, first) in enumerate(
            zip(plan.trained, plan.recipe.limits_q8(plan.program), digest_base(plan.trained))
        )
    )
    return f"static const et_trained trained[{len(plan.trained)}] = {{\n{rows}}};\n"


def _trained_row(plan: Plan, index: int, layer, limit: int, first: int) -> str:
    depthwise = isinstance(layer, p.DepthwiseConv2D)
    row, column = (1, layer.rows) if depthwise else (layer.row_size, 1)
    return (
        f"    {{.rows = {layer.rows}, .row_size = {layer.row_size}, .row_stride = {row},\n"
        f"     .column_stride = {column}, .limit_q8 = {limit}, .first_index = {first},\n"
        f"     .weights = state.parameters.{layer.name}_weights,\n"
        f"     .bias = state.parameters.{layer.name}_bias,\n"
        f"     .null_mass = &state.null_mass[{index}]}},\n"
    )


def _row_gradients(plan: Plan) -> str:
    """Adapters from the engine's gradients to the type that the update takes."""
    stages = plan.schedule.stages
    kinds = sorted({s.layer.kind for s in stages if s.kernel.symbol == "et_update"})
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
    return f"    {parameters};\n    memset(state.null_mass, 0, sizeof state.null_mass);\n"


def _digest_of_parameters(plan: Plan) -> str:
    if not plan.trained:
        return "    return 0;\n"
    return (
        "    uint32_t sum = 0;\n"
        f"    for (uint32_t i = 0; i < {len(plan.trained)}; i++) {{\n"
        "        sum += et_parameter_digest(&trained[i]);\n    }\n    return sum;\n"
    )
