"""The pictures of docs/explanation, as SVG: no script, and legible on light and dark pages."""

from __future__ import annotations

from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "explanation"
STYLE = (
    "text{font:14px system-ui,sans-serif;fill:#667}.box{fill:none;stroke:#89a;stroke-width:1.5}"
    ".up{fill:#4a8}.down{fill:#d75}.line{stroke:#89a;stroke-width:1.5;fill:none}"
    ".mark{stroke:#36c;stroke-width:2}"
)
GRADIENT = (5, -2, 0, 9, -1, -7, 3, 0, -4, 1)  # of ten weights, an example
TRIALS, OFFSET = 4, 3  # of a step: strides of 32 / 4 = 8, from a random offset below 8


def pictures() -> dict[Path, str]:
    """Text of every picture, by its path."""
    made = {"draw.svg": draw, "step.svg": step, "engines.svg": engines}
    return {FOLDER / name: make() for name, make in made.items()}


def drawn() -> list[int]:
    """Which weight each trial of the example falls on: the first whose running sum exceeds it."""
    total = sum(map(abs, GRADIENT))
    marks = [OFFSET + total * k // TRIALS for k in range(TRIALS)]
    sums = [sum(abs(g) for g in GRADIENT[: i + 1]) for i in range(len(GRADIENT))]
    return [next(i for i, found in enumerate(sums) if found > mark) for mark in marks]


def draw() -> str:
    """Magnitudes laid end to end, and the trials that fall on them at equal strides."""
    total, unit, left = sum(map(abs, GRADIENT)), 18, 20
    parts, at = [], left
    for i, g in enumerate(GRADIENT):
        width = unit * abs(g)
        kind = "up" if g < 0 else "down"
        parts.append(f'<rect class="{kind}" x="{at}" y="60" width="{max(width - 2, 0)}" '
                     'height="34"/>')
        if g:
            parts.append(_text(at + width / 2 - 1, 82, f"{g:+d}", "middle", "fill:#fff"))
            parts.append(_text(at + width / 2 - 1, 112, f"w{i}", "middle"))
        at += width
    for k, i in enumerate(drawn()):
        x = left + unit * (OFFSET + total * k // TRIALS) + unit / 2
        parts.append(f'<path class="mark" d="M{x} 34V58"/>')
        parts.append(_text(x, 28, f"w{i} {'-' if GRADIENT[i] > 0 else '+'} 1", "middle"))
    words = (
        "Gradients of ten weights, each as wide as it is large.",
        "A random offset and equal strides choose which weights move by one step,",
        "against the gradient's sign. Weights without a gradient never do.",
    )
    parts += [_text(left, 140 + 20 * i, text) for i, text in enumerate(words)]
    return _svg(2 * left + unit * total, 192, "Four trials drawn from ten gradients", parts)


def step() -> str:
    """What a training step does with one sample."""
    rows = [
        ("sample, int8", "where the link decoded it"),
        ("forward, as TFLite", "int8 in, int8 out, every rounding fixed"),
        ("loss: errors, Q15", "probabilities less the target, from a table"),
        ("errors go back", "8 bits each, one exponent a tensor"),
        ("gradient, row by row", "error times activation, summed; never stored whole"),
        ("trials", "how many: what they win, measured"),
        ("draw", "which weights: by their gradient's size"),
        ("w - sign(g)", "int8 weights move by one"),
    ]
    parts = []
    for i, (name, text) in enumerate(rows):
        y = 10 + 46 * i
        parts.append(f'<rect class="box" x="10" y="{y}" width="190" height="32" rx="5"/>')
        parts.append(_text(105, y + 21, name, "middle"))
        parts.append(_text(216, y + 21, text))
        if i < len(rows) - 1:
            parts.append(f'<path class="line" d="M105 {y + 32}V{y + 46}m-4 -6l4 6l4 -6"/>')
    return _svg(600, 10 + 46 * len(rows), "A training step, from the sample to the weights", parts)


def engines() -> str:
    """One lowering, several engines, one digest."""
    names = ("numpy", "host process", "QEMU", "Renode", "board")
    parts = ['<rect class="box" x="200" y="10" width="240" height="34" rx="5"/>',
             _text(320, 32, "model + recipe, lowered once", "middle")]
    for i, name in enumerate(names):
        x = 10 + 126 * i
        parts += [
            f'<path class="line" d="M320 44C320 70 {x + 58} 60 {x + 58} 84"/>',
            f'<rect class="box" x="{x}" y="84" width="116" height="34" rx="5"/>',
            _text(x + 58, 106, name, "middle"),
            f'<path class="line" d="M{x + 58} 118C{x + 58} 150 320 140 320 160"/>',
        ]
    parts += ['<rect class="box" x="200" y="160" width="240" height="34" rx="5"/>',
              _text(320, 182, "after every step: one digest", "middle")]
    return _svg(640, 204, "Five engines take one lowering and agree on a digest", parts)


def _text(x: float, y: float, text: str, anchor: str = "start", style: str = "") -> str:
    extra = f' style="{style}"' if style else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{extra}>{escape(text)}</text>'


def _svg(width: int, height: int, label: str, parts: list[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{label}">\n<style>{STYLE}</style>\n' + "\n".join(parts) + "\n</svg>\n"
    )
