"""``edgetune inspect``: a model's operators and what of it can be trained."""

from __future__ import annotations

import hashlib
from pathlib import Path

from edgetune.cli.options import model_argument
from edgetune.cli.printer import Printer
from edgetune.cli.verb import verb
from edgetune.learn.lower import lower
from edgetune.model.graph import Graph
from edgetune.model.inspect import describe
from edgetune.model.read import file_content, read_tflite
from edgetune.quantize import load

HEADERS = ["operator", "name", "output", "activation", "weights", "scales", "MACs", "train"]


@verb("inspect")
@model_argument
def command(printer: Printer, model: str):
    """List the operators of MODEL, and what of it can be trained.

    A .tflite, .keras, .h5 or .onnx file. Of a float model it lists what `edgetune convert`
    makes int8. Whatever cannot be used is named, all at once.
    """
    found = load(model)
    float_model = isinstance(found, Graph)
    facts = _float_facts(model, found) if float_model else _int8_facts(read_tflite(model))
    printer.result = {"model": model, "int8": not float_model} | facts
    _show(printer, model, facts)
    _show_float_totals(printer, model, facts) if float_model else _show_totals(printer, facts)


def _int8_facts(graph: Graph) -> dict:
    program = lower(graph)
    facts = describe(graph)
    names = {layer.operator: layer.name for layer in program.layers}
    trainable = {layer.operator for layer in program.weighted_layers}
    for operator in facts["operators"]:
        operator["name"] = names.get(operator["index"])
        operator["trainable"] = operator["index"] in trainable
    facts["totals"]["trainable"] = len(trainable)
    facts["loss"] = program.loss.name
    return facts


def _float_facts(model: str, graph: Graph) -> dict:
    """What can be trained shows after conversion, which renames and folds layers."""
    content = file_content(Path(model))
    facts = describe(graph)
    for operator in facts["operators"]:
        operator["name"] = operator["trainable"] = None
    facts["totals"]["trainable"] = None
    return facts | {
        "sha256": hashlib.sha256(content).hexdigest(), "file_bytes": len(content),
    }


def _show(printer: Printer, model: str, facts: dict):
    printer.text(f"{model}: {facts['file_bytes']:,} bytes, SHA-256 {facts['sha256'][:16]}...")
    for role in ("input", "output"):
        printer.text(f"{role}: {_tensor(facts[role])}")
    printer.text()
    printer.table(HEADERS, [_row(operator) for operator in facts["operators"]])
    printer.text()


def _show_totals(printer: Printer, facts: dict):
    totals = facts["totals"]
    printer.text(
        f"{totals['trainable']} of {totals['operators']} operators have weights and can be "
        f"trained, by the {facts['loss']} loss without --loss; "
        f"the model has {_size(totals)}"
    )


def _show_float_totals(printer: Printer, model: str, facts: dict):
    printer.text(f"A float model: it has {_size(facts['totals'])}")
    printer.text(f"All of it converts: edgetune convert {model} -o INT8.tflite --data SAMPLES")


def _size(totals: dict) -> str:
    return (
        f"{totals['weights']:,} weights, {totals['biases']:,} biases, and makes "
        f"{totals['macs']:,} multiply-accumulates forward."
    )


def _row(operator: dict) -> list:
    floating = operator["output_scale"] is None
    return [
        operator["kind"],
        operator["name"] or ("" if floating else "(folded)"),
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
