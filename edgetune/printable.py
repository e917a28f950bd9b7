"""Text from anywhere, a device, a file's names among it, without what a terminal would obey."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""``text`` with control characters as text: ``\x1b``; lines and tabs stay.

    A name in a model file or a device's log could else move the cursor, set the title or hide
    what follows.
    """
    return "".join(c if c.isprintable() or c in "\n\t" else _code(c) for c in text)


def one_line(text: str) -> str:
    """As `printable`, and lines and tabs as text too: for names, titles and comments."""
    return "".join(c if c.isprintable() else _code(c) for c in text)


def _code(character: str) -> str:
    return character.encode("unicode_escape").decode()
