"""Text from anywhere, a file's names among it, as a terminal may have it."""

from __future__ import annotations

import textwrap

from edgetune.printable import printable


def shown(text: str) -> str:
    r"""``text`` without rich's markup, and with control characters as text: ``\x1b``."""
    from rich.markup import escape

    return escape(printable(text))


def broken(text: str, width: int, indent: int = 0) -> str:
    """``text`` in lines of at most ``width`` columns, broken between words; all but the first are
    indented."""
    return "\n".join(textwrap.wrap(
        text, width, subsequent_indent=" " * indent, break_long_words=False,
        break_on_hyphens=False,
    ))


def fitted(text: str, width: int, indent: int = 2) -> str:
    """``text`` whose lines are broken between words where they are longer than ``width``; what
    follows stands under its line's beginning, indented."""
    return "\n".join(
        line if len(line) <= width
        else " " * (lead := len(line) - len(line.lstrip()))
        + broken(line.lstrip(), width - lead, indent).replace("\n", "\n" + " " * lead)
        for line in text.split("\n")
    )
