"""Renode must end when edgetune does, even when that is killed and can end nothing any more.

Its launcher is a script that starts it as a child, so the death of the launcher is not enough.
"""

from __future__ import annotations

import os

# A reader waits for the end of a pipe that this process holds open, and then kills the group.
_SCRIPT = 'exec 3<&0 </dev/null; { read -r _ <&3; kill -KILL 0; } & "$@" 3<&- & wait $!'


class Guard:
    """A pipe: what `command` runs with it as standard input ends, with all that it starts, once
    this process closes it or ends."""

    def __init__(self):
        self.theirs, self._ours = os.pipe()

    @staticmethod
    def command(words: list[str]) -> list[str]:
        """``words`` with the guard around them; the exit code is theirs."""
        return ["/bin/sh", "-c", _SCRIPT, "sh", *words]

    def started(self) -> None:
        """Leave the child's end to the child."""
        os.close(self.theirs)

    def close(self) -> None:
        """Let go."""
        os.close(self._ours)
