"""Text from anywhere, a file's names among it, as a terminal may have it."""

from __future__ import annotations

from rich.markup import escape


def shown(text: str) -> str:
    r"""``text`` without rich's markup, and with control characters as text: ``\x1b``.

    A name in a model file could else move the cursor, set the title or hide what follows.
    """
    return escape("".join(c if c.isprintable() or c in "\n\t" else _code(c) for c in text))


def _code(character: str) -> str:
    return character.encode("unicode_escape").decode()
