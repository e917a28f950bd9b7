"""What a library, and so its model in C, can be called."""

from __future__ import annotations

import re

from edgetune.errors import UsageError

_KEYWORDS = """
asm auto bool break case catch char class const continue default delete do double else enum
explicit export extern false float for friend goto if inline int long mutable namespace new
operator private protected public register restrict return short signed sizeof static struct
switch template this throw true try typedef typeid typename union unsigned using virtual void
volatile wchar_t while
"""
TAKEN = frozenset([*_KEYWORDS.split(), "main", "edgetune", "et"])


def check_prefix(prefix: str) -> str:
    """``prefix``, where C can take it as a name.

    Raises:
        UsageError: it cannot.
    """
    wrong = prefix in TAKEN or prefix.startswith(("et_", "edgetune_"))
    if wrong or not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", prefix):
        raise UsageError(
            f"'{prefix}' cannot be the name of a library.",
            "It has to be a name in C of at most 31 small letters, digits and _, none of the "
            "language's own and none of edgetune's.",
            "Choose another: --prefix digits",
        )
    return prefix


def default_prefix(title: str) -> str:
    """A prefix made of a model's ``title``."""
    plain = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:24] or "model"
    plain = plain if plain[0].isalpha() else f"model_{plain}"
    return f"{plain}_model" if plain in TAKEN or plain.startswith(("et_", "edgetune")) else plain
