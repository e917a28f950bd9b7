"""What every page is made of: a frame, sections, tables, and pictures that are tables too.

All text is escaped here; what is called ``html`` has been.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em;
       color: #222; background: #fff; }
h1 { font-size: 1.6em; } h2 { font-size: 1.2em; margin-top: 2em; border-bottom: 1px solid #ccc; }
h3 { font-size: 1em; }
table { border-collapse: collapse; font-size: 13px; margin: .5em 0; }
td, th { padding: 2px 10px; text-align: left; border-bottom: 1px solid #ddd;
         overflow-wrap: anywhere; }
td.n, th.n { text-align: right; overflow-wrap: normal; }
figure { margin: 1em 0; overflow-x: auto; } figcaption, summary { font-size: 13px; color: #444; }
svg { font: 12px system-ui, sans-serif; max-width: 100%; height: auto; }
pre { background: #f5f5f2; padding: .6em; white-space: pre-wrap; overflow-wrap: anywhere; }
.warning { color: #a30; } .status { font-weight: bold; }
.side { display: flex; flex-wrap: wrap; gap: 2em; }
"""
# Nothing is loaded from anywhere, and nothing runs.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
Cell = str | int | float | None


def page(
    title: str, body: Iterable[str], style: str = "", refresh: int | None = None
) -> str:
    """The whole page.

    Args:
        body: html.
        style: CSS beside `STYLE`.
        refresh: seconds after which a browser asks for it again; None: never.
    """
    again = f'<meta http-equiv="refresh" content="{refresh}">' if refresh else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">{again}'
        '<meta name="viewport" content="width=device-width">'
        '<link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def section(heading: str, *html: str) -> str:
    """Parts below a heading; "" where there are none."""
    found = [part for part in html if part]
    return "\n".join([f"<h2>{escape(heading)}</h2>", *found]) if found else ""


def paragraph(text: str, kind: str = "") -> str:
    """``kind``: a class of `STYLE`."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def code(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def table(headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Numbers stand on the right; nothing is shown for None."""
    rows = list(rows)
    right = [
        any(_is_number(row[c]) for row in rows) and all(
            row[c] is None or _is_number(row[c]) for row in rows
        ) for c in range(len(headers))
    ]
    head = "".join(f"<th{_aligned(n)}>{escape(h)}</th>" for h, n in zip(headers, right))
    lines = (
        "<tr>" + "".join(f"<td{_aligned(n)}>{escape(shown(v))}</td>" for v, n in zip(row, right))
        + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>\n" + "\n".join(lines) + "</table>"


def figure(svg: str, caption: str, headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A picture, what it shows, and the same as a table."""
    return (
        f"<figure>{svg}<figcaption>{escape(caption)}</figcaption><details><summary>As a table"
        f"</summary>{table(headers, rows)}</details></figure>"
    )


def shown(value: Cell) -> str:
    """A cell's text; thousands are set apart."""
    if value is None:
        return ""
    if isinstance(value, float) and not value.is_integer():
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,.0f}" if _is_number(value) else str(value)


def _is_number(value: Cell) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _aligned(number: bool) -> str:
    return ' class="n"' if number else ""
