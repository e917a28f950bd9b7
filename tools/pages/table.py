"""A table in Markdown."""

from __future__ import annotations


def table(headers: list[str], rows: list[list]) -> list[str]:
    """Its lines; cells as ``str`` gives them."""
    lines = [headers, ["---"] * len(headers), *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines]
