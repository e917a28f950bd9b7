"""What a conversion cost, as text."""

from __future__ import annotations

from edgetune.cli.printer import Printer
from edgetune.quantize.report import Accuracy, LayerReport, Report

HEADERS = ["layer", "tensor", "seen from", "to", "int8 from", "to", "clipped %", "SQNR dB"]
NAME_LENGTH = 40


def show_conversion(printer: Printer, report: Report) -> None:
    """A line a layer, then float against int8, then warnings."""
    printer.table(HEADERS, [_row(layer) for layer in report.layers])
    printer.text()
    for note in report.notes:
        printer.text(note)
    show_left_out(printer, report)
    printer.text(cost_of(report))
    if report.agreement is not None:
        printer.text(f"Run by tflite-runtime, it predicts as the file itself on "
                     f"{100 * report.agreement:.2f} % of the calibration samples.")
    for warning in report.warnings:
        printer.warning(warning)


def show_left_out(printer: Printer, report: Report) -> None:
    if report.outputs:
        printer.sentences(report.outputs)


def cost_of(report: Report) -> str:
    """The conversion in one line."""
    line = f"Converted to int8 by {report.samples:,} samples"
    return f"{line}. {compared(report.accuracy)}" if report.accuracy else f"{line}."


def compared(accuracy: Accuracy) -> str:
    return (
        f"Accuracy on {accuracy.samples:,} labelled samples: "
        f"{100 * accuracy.float_accuracy:.2f} % {accuracy.original}, "
        f"{100 * accuracy.int8_accuracy:.2f} % in int8; "
        f"{100 * accuracy.agreement:.2f} % of the predictions are the same."
    )


def short_name(tensor: str) -> str:
    """The first of the names that TensorFlow joins, the end of it where it is long."""
    name = tensor.split(";")[0]
    return name if len(name) <= NAME_LENGTH else f"...{name[3 - NAME_LENGTH:]}"


def _row(layer: LayerReport) -> list:
    bounds = (layer.low, layer.high, layer.range_low, layer.range_high)
    return [
        layer.kind, short_name(layer.tensor), *(float(f"{b:.4g}") for b in bounds),
        float(f"{100 * layer.clipped:.2g}"),
        None if layer.sqnr_db is None else round(layer.sqnr_db, 1),
    ]
