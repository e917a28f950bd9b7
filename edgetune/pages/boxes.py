"""What lies where and when, as a picture: boxes over stages and addresses."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from edgetune.dataclass import dataclass
from edgetune.pages.charts import COLORS

LEFT, WIDTH, HEIGHT, FOOT = 70, 820, 300, 46  # pixels
LEAST_NAMED = 7  # pixels of a box's width for each letter of its name
TICKS = 4


@dataclass(frozen=True)
class Box:
    """``name`` of a ``kind`` from step ``first`` to ``last``, from ``low`` on, ``size`` long."""

    name: str
    kind: str
    first: int
    last: int
    low: int
    size: int


def boxes(name: str, found: Sequence[Box], steps: int, top: int, foot: str) -> str:
    """Steps 0 to ``steps`` - 1 to the right, addresses up to ``top`` upward; each kind has a
    colour, each box its name, in full when pointed at.

    Args:
        foot: what the steps are.
    """
    kinds = list(dict.fromkeys(box.kind for box in found))
    color = {kind: COLORS[i % len(COLORS)] for i, kind in enumerate(kinds)}
    parts = [_axis(top)]
    parts += [_box(box, color[box.kind], steps, top) for box in found]
    parts.append(f'<text x="{LEFT}" y="{HEIGHT + 18}">{escape(foot)}</text>')
    for i, kind in enumerate(kinds):
        x = LEFT + 130 * i
        parts.append(
            f'<rect x="{x}" y="{HEIGHT + 28}" width="12" height="12" fill="{color[kind]}"/>'
            f'<text x="{x + 17}" y="{HEIGHT + 39}">{escape(kind)}</text>'
        )
    return (
        f'<svg role="img" aria-label="{escape(name)}" viewBox="0 0 {LEFT + WIDTH} {HEIGHT + FOOT}" '
        f'width="{LEFT + WIDTH}" height="{HEIGHT + FOOT}">' + "".join(parts) + "</svg>"
    )


def _axis(top: int) -> str:
    found = []
    for tick in range(TICKS + 1):
        y = HEIGHT - HEIGHT * tick / TICKS
        found.append(
            f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
            f'<text x="{LEFT - 6}" y="{max(y, 8) + 4:.1f}" text-anchor="end">'
            f"{top * tick // TICKS:,}</text>"
        )
    return "".join(found)


def _box(box: Box, color: str, steps: int, top: int) -> str:
    x, width = LEFT + WIDTH * box.first / steps, WIDTH * (box.last + 1 - box.first) / steps
    height = HEIGHT * box.size / max(top, 1)
    y = HEIGHT - HEIGHT * box.low / max(top, 1) - height
    title = f"{box.name}: {box.size:,} bytes from {box.low:,}, stages {box.first} to {box.last}"
    named = ""
    if height >= 12 and width >= LEAST_NAMED * len(box.name):
        named = (f'<text x="{x + 3:.1f}" y="{y + height / 2 + 4:.1f}" fill="#fff">'
                 f"{escape(box.name)}</text>")
    return (
        f'<g><title>{escape(title)}</title><rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
        f'height="{max(height, 0.5):.1f}" fill="{color}" stroke="#fff" stroke-width=".5"/>'
        f"{named}</g>"
    )
