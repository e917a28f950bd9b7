"""A child process that answers requests: what ends it there is an error here.

For libraries that may end their process (an assertion, a fault in memory) on a file from anywhere.
The child is started when it is first asked and stays, so that a start is paid once; one that died
is replaced at the next request.  It is a new interpreter, not a fork: threads do not matter.
"""

from __future__ import annotations

import atexit
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import BinaryIO

from edgetune.programs import Launched

START = "import sys; sys.path[:] = sys.argv[2:]; from edgetune.workers import main; main()"
LENGTH = struct.Struct("<Q")
ANSWER, REFUSAL = b"\0", b"\1"  # the first byte of what comes back
LOG_TAIL = 4000  # bytes


class WorkerDied(RuntimeError):
    """The child ended in the midst of a request; the message says by what, and its last words."""


class Worker:
    """Runs ``answer(*parts: bytes) -> bytes`` of ``module`` in a child process."""

    def __init__(self, module: str):
        self.module = module
        self._lock = threading.Lock()
        self._child: Launched | None = None
        self._owner = 0

    def ask(self, *parts: bytes) -> bytes:
        """What ``answer`` returns.

        Raises:
            RuntimeError: it raised an error, whose text this is.
            WorkerDied: it ended its process, or the process cannot be started.
        """
        with self._lock:
            if self._child is None or self._owner != os.getpid() or self._child.poll() is not None:
                self._start()
            try:
                result = self._exchange(parts)
            except BaseException:  # Ctrl-C too: the answer to come belongs to no later request
                self._end()
                raise
        if result[:1] == REFUSAL:
            raise RuntimeError(result[1:].decode(errors="replace"))
        return result[1:]

    def _start(self) -> None:
        self._log = tempfile.TemporaryFile()
        command = [sys.executable, "-c", START, self.module, *sys.path]
        try:
            self._child = Launched(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
            )
        except OSError as error:
            raise WorkerDied(f"its process cannot be started: {error.strerror}") from None
        self._owner = os.getpid()
        atexit.register(self._end)

    def _exchange(self, parts: tuple[bytes, ...]) -> bytes:
        """Sends a request and waits for what comes back."""
        child, said = self._child, os.fstat(self._log.fileno()).st_size
        try:
            _send(child.stdin, LENGTH.pack(len(parts)), *parts)
            return _receive(child.stdout)
        except (EOFError, BrokenPipeError):
            raise WorkerDied(self._death(child.wait(), said)) from None

    def _death(self, status: int, said: int) -> str:
        """How the child ended, with the last line of its stderr after ``said`` bytes of it."""
        end = os.fstat(self._log.fileno()).st_size
        tail = os.pread(self._log.fileno(), LOG_TAIL, max(said, end - LOG_TAIL))
        lines = tail.decode(errors="replace").strip().splitlines()
        way = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return ": ".join([f"its process ended with {way}", *lines[-1:]])

    def _end(self) -> None:
        child, self._child = self._child, None
        atexit.unregister(self._end)
        if child is None or self._owner != os.getpid():
            return
        child.signal_all(signal.SIGKILL)
        child.wait()
        child.let_go()
        for stream in (child.stdin, child.stdout, self._log):
            with suppress(OSError):
                stream.close()


def main() -> None:
    """The child: answers until its input ends.  Its stdout is kept for answers alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this
    _leave_no_core()
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    answer = import_module(sys.argv[1]).answer
    while True:
        try:
            count = LENGTH.unpack(_receive(source))[0]
            parts = [_receive(source) for _ in range(count)]
        except EOFError:
            return
        _send(sink, _answered(answer, parts))


def _answered(answer: Callable[..., bytes], parts: list[bytes]) -> bytes:
    try:
        return ANSWER + answer(*parts)
    except Exception as error:  # a foreign library raises what it likes
        return REFUSAL + str(error or type(error).__name__).encode(errors="replace")


def _leave_no_core() -> None:
    """A death is expected: it leaves no file of the child's memory in the user's folder."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _send(pipe: BinaryIO, *parts: bytes) -> None:
    for part in parts:
        pipe.write(LENGTH.pack(len(part)) + part)
    pipe.flush()


def _receive(pipe: BinaryIO) -> bytes:
    """The next part; EOFError where the pipe ends before it is whole."""
    head = pipe.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(head)
    part = pipe.read(length)
    if len(part) < length:
        raise EOFError
    return part
