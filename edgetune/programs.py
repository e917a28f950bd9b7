"""Programs that edgetune starts: each ends with it, whatever becomes of it.

A program is started below a shell that holds the reading end of a pipe; the writing end is held by
this process alone and closes with it, by SIGKILL as well.  The shell then kills the whole group.
That asks nothing of the program and holds on every system with /bin/sh and /dev/fd; a program
that makes a session of its own escapes it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

# The shell outlives a SIGTERM to the group, waits for the program and reaps all; it then ends as
# the program did, by the same signal or status.
_SHELL = """
pipe=/dev/fd/$1; shift
exec 3<&0
trap : TERM
{ read -r _ <$pipe; kill -KILL 0; } </dev/null 3<&- >/dev/null 2>&1 & reader=$!
"$@" <&3 3<&- & program=$!
exec 3<&- </dev/null >/dev/null 2>&1
while :; do
    wait $program; status=$?
    kill -0 $program || break
done
kill -KILL $reader; wait $reader
ulimit -c 0
trap - TERM
[ $status -gt 128 ] && kill -$((status - 128)) $$
exit $status
"""


class Launched(subprocess.Popen):
    """A program in a session of its own, whose group is ``pid``; options are Popen's.

    ``returncode`` is the program's.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, command: Sequence[str], *, pass_fds: Sequence[int] = (), **options: Any):
        self._tether = -1
        _check_startable(command[0])
        theirs, self._tether = _pipe()
        words = ["/bin/sh", "-c", _SHELL, "sh", str(theirs), *command]
        try:
            super().__init__(
                words, pass_fds=(theirs, *pass_fds), start_new_session=True, **options
            )
        except BaseException:
            self.let_go()
            raise
        finally:
            os.close(theirs)

    def signal_all(self, number: int) -> None:
        """To the program and all that it started, as far as there still is any."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def let_go(self) -> None:
        """Close the pipe, which kills what is left of the group."""
        tether, self._tether = self._tether, -1
        if tether >= 0:
            os.close(tether)

    def __del__(self, *args: Any) -> None:
        with suppress(OSError):
            self.let_go()
        super().__del__(*args)


def _pipe() -> tuple[int, int]:
    """Reading and writing end; the former beyond the numbers that a shell's script has."""
    low, ours = os.pipe()
    try:
        return fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 10), ours
    finally:
        os.close(low)


def _check_startable(program: str) -> None:
    """As starting it without a shell would: OSError where that fails."""
    found = shutil.which(program)
    code = errno.EACCES if not found and os.path.exists(program) else errno.ENOENT
    if not found or not shutil.which(_interpreter(found)):
        raise OSError(code, os.strerror(code), program)


def _interpreter(program: str) -> str:
    """What the script ``program`` is run by; itself where it is no script."""
    try:
        with open(program, "rb") as file:
            first = file.readline(1000)
    except OSError:  # it may be run without being read
        return program
    words = first[2:].split() if first.startswith(b"#!") else []
    return os.fsdecode(words[0]) if words else program


def run_program(
    command: Sequence[str], seconds: float, cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Exit code, and what the program said on both streams: it runs within a time, and it and all
    that it starts end with the call; its environment is this one's without ``environment``.

    Raises:
        subprocess.TimeoutExpired: it was ended after ``seconds``; ``output`` is what it had said.
        OSError: it cannot be started.
    """
    process = Launched(
        command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", env=environment,
    )  # fmt: skip
    try:
        output, _ = process.communicate(timeout=seconds)
    except BaseException as error:
        process.signal_all(signal.SIGKILL)
        output, _ = process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise subprocess.TimeoutExpired(command, seconds, output) from None
        raise
    finally:
        process.let_go()
    return process.returncode, output
