"""How a session tells what it is doing; the command line and notebooks supply their own."""

from __future__ import annotations


class Reporter:
    """Silent by default; override what you want to show."""

    def note(self, text: str) -> None:
        """A sentence about what happens next."""

    def progress(self, phase: str, done: int, total: int, accuracy: float | None = None) -> None:
        """``done`` of ``total`` samples in ``phase``; the share of right predictions so far."""
