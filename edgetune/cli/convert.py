"""``edgetune convert``: a model of any kind becomes an int8 .tflite file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from edgetune.cli.options import (
    calibration_options,
    inputs_option,
    model_argument,
    output_option,
)
from edgetune.cli.printer import Printer
from edgetune.cli.show_conversion import show_conversion, show_left_out
from edgetune.cli.verb import stack, verb
from edgetune.data import Targets, load_labelled, load_samples, preprocessing_note
from edgetune.data.npz import has_test_set
from edgetune.errors import UsageError
from edgetune.files import save_atomically
from edgetune.model.graph import Graph
from edgetune.model.read import file_content
from edgetune.quantize import Conversion, Options, convert, load, passed
from edgetune.quantize.ranges import RULES
from edgetune.session.report_page import report_page

_choices = stack(
    click.option("--range", "range_rule", type=click.Choice(list(RULES)),
                 default=Options.range_rule, show_default=True,
                 help="How the range of an activation follows from its values."),
    click.option("--percentile", type=float, default=Options.percentile, show_default=True,
                 help="Of the range rule of that name."),
    click.option("--samples", "calibration_samples", type=int, default=Options.samples,
                 show_default=True, help="The most to calibrate by."),
    click.option("--no-bias-correction", is_flag=True,
                 help="Leave the mean errors of layers in."),
    click.option("--equalise", is_flag=True,
                 help="Bring channels between layers to one range first."),
)


@verb("convert")
@model_argument
@click.option("-o", "--out", "target", required=True, type=click.Path(), metavar="OUT.tflite",
              help="The int8 model.")
@output_option
@inputs_option
@calibration_options
@_choices
@click.option("--report", "page", type=click.Path(), metavar="FILE.html",
              help="The report as a page, with plots.")
def command(
    printer: Printer, model: str, target: str, output: str | None, inputs: tuple[str, ...],
    data: dict, range_rule: str, percentile: float, calibration_samples: int,
    no_bias_correction: bool, equalise: bool, page: str | None,
):
    """Make an int8 .tflite file of MODEL: a .tflite, .keras, .h5 or .onnx file.

    Ranges come from samples, which need no labels. Float and int8 are compared where there are
    labels: with --test-data, or where --data has a test set of its own. A model that is int8
    already is passed through untouched.
    """
    options = Options(
        range_rule, percentile, calibration_samples, not no_bias_correction, equalise
    )
    _check_outputs(model, target, page)
    conversion = _convert(printer, model, output, inputs, data, options)
    report = conversion.report
    html = report_page(Path(model).name, report).encode() if page else b""
    save_atomically(target, conversion.content)
    if page:
        save_atomically(page, html)
    printer.result = {
        "model": model, "output": target, "bytes": len(conversion.content),
        "sha256": hashlib.sha256(conversion.content).hexdigest(), "report": report.as_dict(),
    }
    _show(printer, model, target, inputs, conversion)


def _check_outputs(model: str, *outputs: str | None):
    """UsageError before any work, where a result could not be written or would replace MODEL."""
    for path in map(Path, filter(None, outputs)):
        if not path.parent.is_dir():
            raise UsageError(
                f"{path} cannot be written.", f"There is no folder {path.parent}.",
                "Name a file in a folder that exists.",
            )
        if path.exists() and Path(model).exists() and path.samefile(model):
            raise UsageError(
                f"{path} is the model itself.", "The result would take its place.",
                "Name another file with -o.",
            )


def _convert(
    printer: Printer, model: str, output: str | None, inputs: tuple[str, ...], data: dict,
    options: Options,
) -> Conversion:
    found = load(model, output, inputs=inputs)
    if not isinstance(found, Graph):
        return passed(found, model, output, inputs)
    if data["path"] is None:
        raise UsageError(
            f"{model} is a float model: samples are needed to convert it.",
            "Ranges of its activations are taken from them.",
            "Give --data; docs/data.md has the kinds of sources.",
        )
    names = ("part", "label_column")
    declared = {k: data[k] for k in ("scale", "offset", "mean", "order", "fit", "sample_rate",
                                     "frame", "window", "features")}
    samples, how, warnings = load_samples(
        data["path"], found.input, options.samples, **{k: data[k] for k in names}, **declared
    )
    labelled, more = _labelled(data, found, declared | {"stored": how})
    printer.note(f"Converting {model} by {len(samples)} samples")
    conversion = convert(found, samples, options, labelled, preprocessing_note(how))
    conversion.report.warnings[:0] = dict.fromkeys(warnings + more)
    return conversion


def _labelled(data: dict, graph: Graph, how: dict) -> tuple[tuple | None, list[str]]:
    """Samples and class numbers to compare float and int8 on, where there are any."""
    path, part = data["test"], data["test_part"]
    if path is None and part is None and (
        data["part"] or not has_test_set(Path(data["path"]), graph.input.parts or (graph.input,))
    ):
        return None, []
    x, y, warnings = load_labelled(
        path or data["path"], graph.input, Targets("class", graph.output.size),
        labels=data["test_labels"],
        label_column=data["label_column"] if path else None, part=part,
        class_names=data["class_names"] or (), **how,
    )
    return (x, y), warnings


def _show(
    printer: Printer, model: str, target: str, inputs: tuple[str, ...], conversion: Conversion
):
    report = conversion.report
    if report.converted:
        show_conversion(printer, report)
        printer.text(f"{target}: {len(conversion.content):,} bytes.")
    elif conversion.content == file_content(Path(model)):
        printer.text(f"{model} is int8 already; {target} is the same file.")
    elif report.outputs:
        show_left_out(printer, report)
        printer.text(f"{model} is int8 inside; {target} has one output, and int8 ends.")
    elif inputs:
        printer.text(f"{model} is int8 inside; {target} has {', '.join(inputs)} as constants.")
    else:
        printer.text(f"{model} is int8 inside; {target} is without its float or uint8 ends.")
