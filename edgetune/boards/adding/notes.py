"""What becomes known while a board is drafted: sources, assumptions, gaps."""

from __future__ import annotations

from dataclasses import field

from edgetune.dataclass import dataclass


@dataclass
class Notes:
    """Sentences for the user. ``missing``: options that must be given before there is a board."""

    taken: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
