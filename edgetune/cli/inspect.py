"""``edgetune inspect``: a model's operators and what of it can be trained."""

from __future__ import annotations

from edgetune.cli.options import model_argument
from edgetune.cli.printer import Printer
from edgetune.cli.verb import verb
from edgetune.learn.lower import lower
from edgetune.learn.path import obstacle, trainable_layers
from edgetune.model.inspect import describe
from edgetune.model.read import read_tflite


@verb("inspect")
@model_argument
def command(printer: Printer, model: str):
    """List the operators of MODEL, an int8 .tflite file, and what of it can be trained."""
    graph = read_tflite(model)
    program = lower(graph)
    facts = describe(graph)
    names = {layer.operator: layer.name for layer in program.layers}
    trainable = {layer.operator for layer in trainable_layers(program)}
    for operator in facts["operators"]:
        operator["name"] = names.get(operator["index"])
        operator["trainable"] = operator["index"] in trainable
    facts["totals"]["trainable"] = len(trainable)
    facts["obstacle"] = obstacle(program) or None
    printer.result = {"model": model} | facts
    _show(printer, model, facts)


def _show(printer: Printer, model: str, facts: dict):
    totals = facts["totals"]
    printer.text(f"{model}: {facts['file_bytes']:,} bytes, SHA-256 {facts['sha256'][:16]}...")
    for role in ("input", "output"):
        printer.text(f"{role}: {_tensor(facts[role])}")
    printer.text()
    printer.table(
        ["operator", "name", "output", "activation", "weights", "scales", "MACs", "train"],
        [_row(operator) for operator in facts["operators"]],
    )
    printer.text()
    printer.text(
        f"{totals['trainable']} of {totals['operators']} operators can be trained; the model has "
        f"{totals['weights']:,} weights, {totals['biases']:,} biases, and makes "
        f"{totals['macs']:,} multiply-accumulates forward."
    )
    if facts["obstacle"]:
        printer.text(f"Learning ends, seen from the logits, at {facts['obstacle']}.")


def _row(operator: dict) -> list:
    return [
        operator["kind"],
        operator["name"] or "(folded)",
        _shape(operator["output_shape"]),
        operator["activation"].replace("NONE", ""),
        operator["weights"] or None,
        operator["weight_scales"],
        operator["macs"] or None,
        "yes" if operator["trainable"] else "",
    ]


def _tensor(facts: dict) -> str:
    return (
        f"{facts['name']} {_shape(facts['shape'])}, "
        f"real = {facts['scale']:.6g} * (q - {facts['zero_point']})"
    )


def _shape(shape: list[int]) -> str:
    return "x".join(map(str, shape))
