"""The report of a conversion as one HTML page, which needs nothing else."""

from __future__ import annotations

from html import escape

from edgetune.pages.page import figure, page, paragraph, section, table
from edgetune.quantize.report import Accuracy, LayerReport, Report

ROW, LEFT, WIDTH = 22, 260, 560  # pixels of a plot: a row's height, the names', the bars'
GOOD_DB, NOISY_DB = 20.0, 10.0
MOST_DB = 60.0  # where bars end: inputs that fit exactly would dwarf all others
STYLE = """
.good { fill: #4a8; } .fair { fill: #da4; } .noisy { fill: #d55; }
.int8 { fill: #bcd; } .seen { stroke: #235; stroke-width: 3; } .zero { stroke: #999; }
"""
HEADERS = ("layer", "tensor", "seen from", "to", "int8 from", "to", "scale", "zero point",
           "clipped %", "SQNR dB")


def report_page(model: str, report: Report) -> str:
    """A page with the report's table, a plot of the signal-to-noise ratios and one of the ranges.

    Args:
        model: what the page calls the model.
    """
    parts = [_summary(report), *(paragraph(text, "warning") for text in report.warnings)]
    if report.layers:
        ratios = [[layer.kind, _first(layer), layer.sqnr_db] for layer in report.layers]
        parts += [
            section("Signal-to-noise ratio", figure(
                _ratios(report.layers), "Energy of a layer's float values over that of their "
                "difference to int8's, all layers before included, in decibels.",
                ["layer", "tensor", "dB"], ratios,
            )),
            section("Ranges", paragraph(
                "Line: values seen in calibration. Bar: what int8 covers. Each row has a scale of "
                "its own."
            ), _ranges(report.layers)),
            section("Layers", table(HEADERS, [_cells(layer) for layer in report.layers])),
            *(paragraph(note) for note in report.notes),
        ]
    return page(f"{model} in int8", parts, STYLE)


def _summary(report: Report) -> str:
    left_out = f"<p>{escape(report.outputs)}</p>" if report.outputs else ""
    if not report.converted:
        return left_out or "<p>The model was int8 already and is unchanged.</p>"
    choices = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in report.options.items())
    text = f"<p>Calibrated by {report.samples:,} samples ({escape(choices)}).</p>"
    return left_out + text + (_accuracy(report.accuracy) if report.accuracy else "")


def _accuracy(accuracy: Accuracy) -> str:
    return (
        f"<p>On {accuracy.samples:,} labelled samples: {100 * accuracy.float_accuracy:.2f} % right "
        f"{accuracy.original}, <b>{100 * accuracy.int8_accuracy:.2f} % in int8</b>; "
        f"{100 * accuracy.agreement:.2f} % of the predictions are the same "
        f"(int8 run by {escape(accuracy.by)}).</p>"
    )


def _ratios(layers: list[LayerReport]) -> str:
    """A bar a layer, from 0 to ``MOST_DB``."""
    rows = []
    for i, layer in enumerate(layers):
        y = ROW * i
        ratio = layer.sqnr_db
        rows.append(_name(layer, y))
        if ratio is None:
            rows.append(_text(LEFT + 4, y, "no difference"))
            continue
        length = WIDTH * min(max(ratio, 0.0), MOST_DB) / MOST_DB
        rows.append(f'<rect class="{_quality(ratio)}" x="{LEFT}" y="{y + 4}" '
                    f'width="{length:.1f}" height="{ROW - 8}"/>')
        rows.append(_text(LEFT + length + 4, y, f"{ratio:.1f}"))
    return _svg(rows, len(layers), "Signal-to-noise ratio of every layer")


def _ranges(layers: list[LayerReport]) -> str:
    """What was seen and what int8 covers, each row over its own extremes."""
    rows = []
    for i, layer in enumerate(layers):
        y = ROW * i
        low = min(layer.low, layer.range_low, 0.0)
        high = max(layer.high, layer.range_high, 0.0)
        scale = WIDTH / (high - low or 1.0)
        a, b, c, d, zero = (
            LEFT + scale * (value - low)
            for value in (layer.range_low, layer.range_high, layer.low, layer.high, 0.0)
        )
        middle = y + ROW / 2
        rows += [
            _name(layer, y),
            f'<rect class="int8" x="{a:.1f}" y="{y + 3}" width="{b - a:.1f}" '
            f'height="{ROW - 6}"/>',
            f'<line class="seen" x1="{c:.1f}" x2="{d:.1f}" y1="{middle}" y2="{middle}"/>',
            f'<line class="zero" x1="{zero:.1f}" x2="{zero:.1f}" y1="{y}" y2="{y + ROW}"/>',
            _text(LEFT + WIDTH + 6, y, f"{low:.3g} to {high:.3g}"),
        ]
    return _svg(rows, len(layers), "Ranges of every layer")


def _quality(ratio: float) -> str:
    return "good" if ratio >= GOOD_DB else "fair" if ratio >= NOISY_DB else "noisy"


def _name(layer: LayerReport, y: float) -> str:
    name = _first(layer)
    shown = name if len(name) <= 20 else "..." + name[-17:]
    title = f"<title>{escape(name)}</title>"
    return f'<text x="0" y="{y + 15}">{escape(f"{layer.kind} {shown}")}{title}</text>'


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y + 15}">{escape(text)}</text>'


def _svg(rows: list[str], count: int, label: str) -> str:
    width, height = LEFT + WIDTH + 140, ROW * count
    return (
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}">' + "".join(rows) + "</svg>"
    )


def _first(layer: LayerReport) -> str:
    """The first of the names that TensorFlow joins."""
    return layer.tensor.split(";")[0]


def _cells(layer: LayerReport) -> list[str]:
    bounds = (layer.low, layer.high, layer.range_low, layer.range_high, layer.scale)
    return [
        layer.kind, _first(layer), *(f"{value:.4g}" for value in bounds),
        str(layer.zero_point), f"{100 * layer.clipped:.2g}",
        "" if layer.sqnr_db is None else f"{layer.sqnr_db:.1f}",
    ]
