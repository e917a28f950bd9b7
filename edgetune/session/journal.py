"""What a guard was told by the device, so that a run that broke off can be told it again.

A guard is a function of the losses of the steps and of what it asks of the device meanwhile.  A
resumed run therefore begins at its first step: recorded answers are given until there are no
more, the device takes over the state of that moment, and from there on it is asked itself.
"""

from __future__ import annotations

from collections.abc import Callable


class Journal:
    """Answers in the order in which they were asked for.

    Args:
        entries: recorded ones; what the device answers is added to them.
        begin: brings the device into the state that it had after the last of them; None where the
            device answers from the beginning.
    """

    def __init__(self, entries: list[bytes], begin: Callable[[], None] | None = None):
        self._entries, self._begin, self._at = entries, begin, 0

    @property
    def live(self) -> bool:
        """Whether the device answers."""
        return self._begin is None

    def told(self, ask: Callable[[], bytes]) -> bytes:
        """The next answer: the recorded one, or what ``ask`` brings, which is recorded."""
        if self._at == len(self._entries):
            self.go_live()
            self._entries.append(ask())
        self._at += 1
        return self._entries[self._at - 1]

    def go_live(self) -> None:
        """From here on the device is asked."""
        begin, self._begin = self._begin, None
        if begin:
            begin()
