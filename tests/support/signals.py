"""What a program under test does on signals, whatever the caller of the tests ignores."""

from __future__ import annotations

import signal

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def by_default() -> None:
    """A child's ``preexec_fn``: it is ended by each, as in a terminal.  What its parent ignores,
    as under nohup, a program would else ignore as well."""
    for one in ENDS:
        signal.signal(one, signal.SIG_DFL)


def without_hangup() -> None:
    """A child's ``preexec_fn``: as under nohup."""
    by_default()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
