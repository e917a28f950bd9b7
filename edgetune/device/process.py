"""A child process with everything it starts, and the log of what it said."""

import atexit
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence

from edgetune.programs import Launched

STOP_SECONDS = 2.0  # between asking a process to end and ending it
LOG_TAIL = 4000  # bytes


class Process:
    """Runs ``command``; `stop` ends its children too, and so does the end of this process.

    stdout and stderr go to a log unless ``stdout`` is given. ``environment`` adds to this
    process's.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        stdin: int = subprocess.DEVNULL,
        stdout: int | None = None,
        pass_fds: Sequence[int] = (),
        cwd: str | None = None,
        environment: Mapping[str, str] | None = None,
    ):
        self._log = tempfile.TemporaryFile()
        self._child = Launched(
            command,
            stdin=stdin,
            stdout=self._log if stdout is None else stdout,
            stderr=self._log,
            pass_fds=pass_fds,
            cwd=cwd,
            env={**os.environ, **environment} if environment else None,
        )
        atexit.register(self.stop)

    @property
    def pid(self) -> int:
        """Of the process group: the child, what it started, and the shell above them."""
        return self._child.pid

    def alive(self) -> bool:
        """Whether the child itself still runs."""
        return self._child.poll() is None

    def log(self) -> str:
        """The last 4000 bytes of what the process said."""
        if self._log.closed:
            return self._tail
        size = os.fstat(self._log.fileno()).st_size
        data = os.pread(self._log.fileno(), LOG_TAIL, max(0, size - LOG_TAIL))
        return data.decode("utf-8", "replace").strip()

    def ended(self) -> str:
        """How it ended, in words; "" while it runs."""
        code = self._child.poll()
        if code is None:
            return ""
        return f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"

    def wait(self, timeout: float) -> bool:
        """Whether the child ended within ``timeout`` seconds."""
        try:
            self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """End the child and all it started: politely, then for certain."""
        if self._log.closed:
            return
        self._child.signal_all(signal.SIGTERM)
        self._wait_for_group(STOP_SECONDS)
        self._child.signal_all(signal.SIGKILL)
        self._child.wait()
        self._child.let_go()
        self._tail = self.log()
        self._log.close()
        atexit.unregister(self.stop)

    def _wait_for_group(self, timeout: float) -> None:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            self._child.poll()
            try:
                os.killpg(self.pid, 0)
            except (ProcessLookupError, PermissionError):
                return
            time.sleep(0.005)
