"""``edgetune inspect``: a model's operators and what of it can be trained."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path

import click

from edgetune.boards import load_board
from edgetune.cli.options import inputs_option, model_argument, output_option
from edgetune.cli.printer import Printer
from edgetune.cli.show_outputs import show_outputs
from edgetune.cli.show_plan import end_of, plan_facts, show_plan
from edgetune.cli.verb import verb
from edgetune.errors import DoesNotFitError
from edgetune.learn.lower import lower
from edgetune.learn.program import Program
from edgetune.learn.recipe import Recipe
from edgetune.model.decode import quoted
from edgetune.model.decoding import left_to_firmware
from edgetune.model.graph import Graph
from edgetune.model.inspect import describe
from edgetune.model.outputs import SeveralOutputs
from edgetune.model.read import file_content
from edgetune.model.streaming import frames_said
from edgetune.plan.cores import estimate_cores
from edgetune.plan.cost import Estimate, estimate
from edgetune.plan.fit import check_fit
from edgetune.plan.thrift import plan_within
from edgetune.session.preview import Preview, preview

HEADERS = ["name", "operator", "output", "activation", "weights", "scales", "MACs", "train"]


@verb("inspect")
@model_argument
@output_option
@inputs_option
@click.option("--board", metavar="BOARD", help="What it would cost there, as `edgetune plan` has "
              "it; without it a line for each core.")
def command(
    printer: Printer, model: str, output: str | None, inputs: tuple[str, ...], board: str | None
):
    """What MODEL will be on a device: its operators, what can be trained, what it costs.

    A .tflite, .keras, .h5 or .onnx file. A float model is converted in memory by made-up samples:
    names and sizes are those of `edgetune convert`, scales are not shown. Of several outputs each
    is shown with what it would learn, until one is chosen with --output. Whatever cannot be used
    is named, all at once, with the exit code that `edgetune plan` has for it.
    """
    chosen = load_board(board) if board else None
    try:
        seen = preview(model, output, inputs=inputs)
    except SeveralOutputs as error:
        raise show_outputs(printer, model, error) from None
    graph = seen.graph or seen.source
    assert graph is not None  # there is one of the two
    facts = _facts(model, seen, graph)
    printer.result = {"model": model, "int8": seen.source is None} | facts
    _show(printer, model, facts)
    if seen.graph is None:
        _show_problem(printer, model, output, seen, facts)
        return
    program = lower(graph)
    recipe = Recipe() if program.weighted_layers else Recipe(("none",))
    _show_totals(printer, facts, program)
    if seen.source is not None:
        _show_conversion(printer, model, output)
    printer.text()
    if chosen is None:
        _show_cores(printer, estimate_cores(graph, recipe))
        return
    cost = estimate(plan_within(graph, recipe, chosen))
    printer.result["plan"] = plan_facts(cost)
    show_plan(printer, cost)
    _check_fit(cost)


def _check_fit(cost: Estimate) -> None:
    try:
        check_fit(cost.plan, cost)
    except DoesNotFitError as error:  # whose advice has options that this verb has not
        error.next_step = f"For edgetune plan and tune: {error.next_step}"
        raise


def _facts(model: str, seen: Preview, graph: Graph) -> dict:
    """Of the int8 model; of a float one without scales, which made-up samples do not tell."""
    facts = describe(graph)
    if others := [other.name for other in (seen.source or graph).other_outputs]:
        facts["other_outputs"] = others
    if decoding := (seen.source or graph).decoding:
        facts["decoding"] = list(decoding)
    if frames := (seen.source or graph).frames:
        facts["frames"] = dict(zip(("window", "call"), frames))
    if seen.graph is not None:
        _name(facts, lower(graph))
    if seen.source is None:
        return facts
    for place in (*facts["inputs"], facts["input"], facts["output"]):
        place["scale"] = place["zero_point"] = None
    for operator in facts["operators"]:
        operator["output_scale"] = operator["output_zero_point"] = None
    if seen.graph is None:
        for operator in facts["operators"]:
            operator["name"] = operator["trainable"] = None
        facts |= {"totals": facts["totals"] | {"trainable": None}, "loss": None}
    content = file_content(Path(model))
    sizes = {"sha256": hashlib.sha256(content).hexdigest(), "file_bytes": len(content)}
    return facts | sizes | {"int8_bytes": len(graph.content) if seen.graph else None}


def _name(facts: dict, program: Program) -> None:
    """Layers' names, and which of them train."""
    names = {layer.operator: layer.name for layer in program.layers}
    trainable = {layer.operator for layer in program.weighted_layers}
    for operator in facts["operators"]:
        operator["name"] = names.get(operator["index"])
        operator["trainable"] = operator["index"] in trainable
    facts["totals"]["trainable"] = len(trainable)
    facts["loss"] = program.loss.name


def _show_cores(printer: Printer, costs: dict[str, Estimate]) -> None:
    """A line a core, of a step that trains all layers."""
    printer.result["cores"] = {
        core: {"ram_bytes": cost.ram_bytes, "flash_bytes": cost.flash_bytes,
               "step_instructions": cost.step_instructions,
               "forward_instructions": cost.forward_instructions}
        for core, cost in costs.items()
    }
    printer.table(
        ["core", "RAM B", "flash B", "instructions a step", "of them forward"],
        [[core, *facts.values()] for core, facts in printer.result["cores"].items()],
    )
    printer.text()
    printer.sentences(
        "All layers trained, by the engine's own kernels; --board BOARD says whether it fits."
    )


def _show(printer: Printer, model: str, facts: dict):
    printer.text(f"{model}: {facts['file_bytes']:,} bytes, SHA-256 {facts['sha256'][:16]}...")
    for place in facts["inputs"]:
        printer.text(f"input: {_tensor(place)}")
    printer.text(f"output: {_tensor(facts['output'])}")
    if others := facts.get("other_outputs"):
        names = ", ".join(map(quoted, others))
        printer.sentences(f"Its other outputs are left out with what only they need: {names}.")
    if decoding := facts.get("decoding"):
        printer.sentences(left_to_firmware(decoding))
    if frames := facts.get("frames"):
        printer.sentences(frames_said((frames["window"], frames["call"])))
    printer.text()
    printer.table(HEADERS, [_row(operator) for operator in facts["operators"]])
    printer.text()


def _show_totals(printer: Printer, facts: dict, program: Program):
    totals = facts["totals"]
    printer.sentences(
        f"{totals['trainable']} of {totals['operators']} operators have weights and can be "
        f"trained, to {end_of(program)} without --loss; the model has {_size(totals)}"
    )


def _show_conversion(printer: Printer, model: str, output: str | None):
    printer.sentences(
        "Shown as it is after conversion by made-up samples: only its scales and "
        "its accuracy need real ones."
    )
    printer.text(f"All of it converts: {_convert(model, output)}")


def _show_problem(
    printer: Printer, model: str, output: str | None, seen: Preview, facts: dict
):
    """Every operator converts, but made-up samples led out of int8's ranges."""
    printer.result["problem"] = seen.problem.as_dict()
    printer.sentences(f"A float model: it has {_size(facts['totals'])}")
    printer.sentences(
        f"Made-up samples did not bring it into int8: {seen.problem.message} "
        f"{seen.problem.cause} Real samples may:"
    )
    printer.text(_convert(model, output))


def _convert(model: str, output: str | None) -> str:
    """The command that does it, in one line for who copies it."""
    chosen = "" if output is None else f" --output {shlex.quote(output)}"
    return f"edgetune convert {shlex.quote(model)}{chosen} -o INT8.tflite --data SAMPLES"


def _size(totals: dict) -> str:
    return (
        f"{totals['weights']:,} weights, {totals['biases']:,} biases, and makes "
        f"{totals['macs']:,} multiply-accumulates forward."
    )


def _row(operator: dict) -> list:
    return [
        operator["name"] or ("" if operator["trainable"] is None else "(folded)"),
        operator["kind"],
        _shape(operator["output_shape"]),
        operator["activation"].replace("NONE", ""),
        operator["weights"] or None,
        operator["weight_scales"],
        operator["macs"] or None,
        "yes" if operator["trainable"] else "",
    ]


def _tensor(facts: dict) -> str:
    text = f"{facts['name']} {_shape(facts['shape'])}"
    if facts["scale"] is None:
        return f"{text}, float"
    return f"{text}, real = {facts['scale']:.6g} * (q - {facts['zero_point']})"


def _shape(shape: list[int]) -> str:
    return "x".join(map(str, shape))
