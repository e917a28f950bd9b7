"""Charts as SVG without script, drawn by pygal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH = 900
COLORS = ("#2a6f97", "#d1495b", "#66a182", "#edae49", "#8d6a9f", "#6c757d", "#00798c", "#a44a3f")
Points = Sequence[tuple[float, float]]


def lines(
    name: str, series: Mapping[str, Points], x_title: str, low: float | None = None,
    high: float | None = None,
) -> str:
    """Lines through points, from ``low`` to ``high``, of what is seen without them.

    Args:
        name: what the picture is called to those who cannot see it; one of a page's own.
    """
    import pygal

    seen = [y for points in series.values() for _, y in points] or [0.0]
    bounds = (min(seen) if low is None else low, max(seen) if high is None else high)
    chart = pygal.XY(
        show_dots=False, x_title=x_title, range=bounds if bounds[0] < bounds[1] else None,
        **_common(260),
    )
    for title, points in series.items():
        chart.add(title, list(points))
    return _svg(chart, name)


def stacked_bars(
    name: str, labels: Sequence[str], series: Mapping[str, Sequence[float]], x_title: str,
    most: float | None = None,
) -> str:
    """A horizontal bar a label, first label on top, of parts one behind the other.

    Args:
        most: where the axis ends; at the longest bar without it.
    """
    import pygal

    height = 110 + 26 * len(labels)
    chart = pygal.HorizontalStackedBar(
        x_title=x_title, range=None if most is None else (0, most), print_values=False,
        **_common(height),
    )
    chart.x_labels = [_short(label) for label in reversed(labels)]
    for title, values in series.items():
        chart.add(title, list(reversed(values)))
    return _svg(chart, name)


def _common(height: int) -> dict:
    from pygal.style import Style

    style = Style(
        font_family="system-ui, sans-serif", background="transparent", colors=COLORS,
        plot_background="#fafafa", label_font_size=11, legend_font_size=12, opacity=".9",
        title_font_size=12, guide_stroke_color="#ddd", major_guide_stroke_color="#ccc",
    )
    return {
        "js": (), "disable_xml_declaration": True, "width": WIDTH, "height": height,
        "style": style, "legend_at_bottom": True, "legend_at_bottom_columns": 5, "margin": 8,
        "formatter": _number, "show_y_guides": True,
        "max_scale": 8, "truncate_label": -1, "truncate_legend": -1,
        "value_formatter": _number, "x_value_formatter": _number,
    }


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.4g}"


def _svg(chart, name: str) -> str:
    """The drawing, whose id is made of its ``name``: the same data give the same page."""
    chart.uuid = "".join(c if c.isalnum() else "-" for c in name)
    chart.add_xml_filter(_without_scripts)
    text = chart.render(is_unicode=True)
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(name)}" ', 1)


def _without_scripts(root):
    """The settings that pygal leaves for its script, and its comments."""
    for parent in root.iter():
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag.rpartition("}")[2] == "script":
                parent.remove(child)
    return root


def _short(label: str) -> str:
    return label if len(label) <= 28 else f"…{label[-27:]}"
