"""A child process that answers requests: what ends it there is an error here.

For libraries that may end their process (an assertion, a fault in memory) on a file from anywhere.
The child is started when it is first asked and stays, so that a start is paid once; one that died
is replaced at the next request.  It is a new interpreter, not a fork: threads do not matter.
It takes requests while it answers, so its owner may go on and fetch the answer later.
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
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from io import RawIOBase
from queue import SimpleQueue
from typing import BinaryIO

from edgetune.programs import Launched

START = "import sys; sys.path[:] = sys.argv[2:]; from edgetune.workers import main; main()"
LENGTH = struct.Struct("<Q")
ANSWER, REFUSAL = b"\0", b"\1"  # the first byte of what comes back
LOG_TAIL = 4000  # bytes


class WorkerDied(RuntimeError):
    """The child ended in the midst of a request; the message says by what, and its last words."""


class ChildTraceback(Exception):
    """Where in the child an error was raised: the cause of the one that comes out here."""


class Worker:
    """Runs ``answer(*parts: bytes) -> bytes`` of ``module`` in a child process.

    Args:
        environment: added to this process's.
        replaced: whether one that died is replaced by the next request; without it, as it had
            what later answers need, that is an error.
    """

    def __init__(
        self, module: str, environment: Mapping[str, str] | None = None, replaced: bool = True
    ):
        self.module, self._environment, self._replaced = module, environment or {}, replaced
        self._lock = threading.RLock()
        self._child: Launched | None = None
        self._owner = 0
        self.owed = 0  # answers that were not fetched

    @property
    def _started(self) -> bool:
        return self._child is not None and self._owner == os.getpid()

    @property
    def alive(self) -> bool:
        """Whether its child runs."""
        return self._started and self._child.poll() is None

    def ask(self, *parts: bytes) -> bytes:
        """What ``answer`` returns.

        Raises:
            RuntimeError: it raised an error, whose text this is.
            WorkerDied: it ended its process, or the process cannot be started.
        """
        with self._lock:
            if self.owed:  # to one that was interrupted, or went away
                self.end()
            self.begin(*parts)
            return self.finish()

    def begin(self, *parts: bytes) -> None:
        """Hand over a request, whose answer `finish` fetches; answers come in the order of
        requests.

        Raises:
            WorkerDied: as `ask`.
        """
        with self._lock:
            if not self._replaced and self._owner == os.getpid() and not self._started:
                raise WorkerDied("its process was ended")
            if not self._started or (self._replaced and not self.alive):
                self._start()
            if not self.owed:
                self._said = os.fstat(self._log.fileno()).st_size
            self.owed += 1
            with self._whole():
                _send(self._child.stdin, LENGTH.pack(len(parts)), *parts)

    def finish(self) -> bytes:
        """The answer to the first request that has none yet.

        Raises:
            RuntimeError, WorkerDied: as `ask`.
        """
        with self._lock:
            if self._child is None:
                raise WorkerDied("its process was ended")
            with self._whole():
                result = _receive(self._child.stdout)
            self.owed -= 1
        if result[:1] == REFUSAL:
            text, trace = result[1:].decode(errors="replace").split("\0", 1)
            raise RuntimeError(text) from ChildTraceback(trace)
        return result[1:]

    def end(self) -> None:
        """End the child; the next request starts another."""
        child, self._child = self._child, None
        self.owed = 0
        atexit.unregister(self.end)
        if child is None or self._owner != os.getpid():
            return
        child.signal_all(signal.SIGKILL)
        child.wait()
        child.let_go()
        for stream in (child.stdin, child.stdout, self._log):
            with suppress(OSError):
                stream.close()

    def _start(self) -> None:
        self.end()  # one that is dead
        self._log = tempfile.TemporaryFile()
        warnings = [f"-W{option}" for option in sys.warnoptions]
        command = [sys.executable, *warnings, "-c", START, self.module, *sys.path]
        try:
            self._child = Launched(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
                env={**os.environ, **self._environment},
            )
        except OSError as error:
            raise WorkerDied(f"its process cannot be started: {error.strerror}") from None
        self._owner = os.getpid()
        atexit.register(self.end)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """A request or an answer passes whole, or the child ends: what would follow of it belongs
        to no later request."""
        try:
            yield
        except (EOFError, BrokenPipeError):
            death = self._death(self._child.wait(), self._said)
            self.end()
            raise WorkerDied(death) from None
        except BaseException:  # Ctrl-C too
            self.end()
            raise

    def _death(self, status: int, said: int) -> str:
        """How the child ended, with the last line of its stderr after ``said`` bytes of it."""
        end = os.fstat(self._log.fileno()).st_size
        tail = os.pread(self._log.fileno(), LOG_TAIL, max(said, end - LOG_TAIL))
        lines = tail.decode(errors="replace").strip().splitlines()
        way = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return ": ".join([f"its process ended with {way}", *lines[-1:]])


def main() -> None:
    """The child: answers until its input ends.  Its stdout is kept for answers alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this
    _leave_no_core()
    source, sink = os.fdopen(os.dup(0), "rb", buffering=0), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    answer, requests = import_module(sys.argv[1]).answer, SimpleQueue()
    threading.Thread(target=_take, args=(source, requests), daemon=True).start()
    while isinstance(parts := requests.get(), list):
        _send(sink, _answered(answer, parts))
    if not isinstance(parts, EOFError):
        raise parts


def _take(source: RawIOBase, requests: SimpleQueue) -> None:
    """All requests as they come, each a list, and what ends them: their sender never waits for an
    answer to be fetched first."""
    try:
        while True:
            count = LENGTH.unpack(_receive(source))[0]
            requests.put([_receive(source) for _ in range(count)])
    except BaseException as error:
        requests.put(error)


def _answered(answer: Callable[..., bytes], parts: list[bytes]) -> bytes:
    try:
        return ANSWER + answer(*parts)
    except Exception as error:  # a foreign library raises what it likes
        text = (str(error) or type(error).__name__).replace("\0", " ")
        return REFUSAL + f"{text}\0{traceback.format_exc()}".encode(errors="replace")


def _leave_no_core() -> None:
    """A death is expected: it leaves no file of the child's memory in the user's folder."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _send(pipe: BinaryIO, *parts: bytes) -> None:
    for part in parts:
        pipe.write(LENGTH.pack(len(part)) + part)
    pipe.flush()


def _receive(pipe: BinaryIO | RawIOBase) -> bytes:
    """The next part; EOFError where the pipe ends before it is whole."""
    return _exactly(pipe, LENGTH.unpack(_exactly(pipe, LENGTH.size))[0])


def _exactly(pipe: BinaryIO | RawIOBase, count: int) -> bytes:
    part, at = memoryview(bytearray(count)), 0
    while at < count:
        read = pipe.readinto(part[at:])
        if not read:
            raise EOFError
        at += read
    return bytes(part)
