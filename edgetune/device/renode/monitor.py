"""Renode's command line behind a TCP port of this computer."""

from __future__ import annotations

import re
import select
import socket
import time
from contextlib import suppress

CONNECT_SECONDS = 1.0
CHUNK = 65536
_TELNET = re.compile(rb"\xff(?:\xff|[\xfb-\xfe].|\xfa.*?\xff\xf0|[\xf0-\xf9])", re.DOTALL)
_STEERING = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()#][0-9A-B]|\x1b[=>78cDEHM]")
# What it prints when a command, or a line of a script, fails; the rest of the script is left out.
_FAILURES = re.compile(
    r"There was an error executing command|No such command or device|Could not tokenize"
    r"|Could not find file|Bad parameters for command"
)
ERROR_TEXT = 600  # characters


class Monitor:
    """The client of one Renode, whose machine is called ``name``.

    What Renode prints before anybody listens, failures of its scripts above all, it keeps for
    the first client.
    """

    def __init__(self, port: int, name: str):
        self._port = port
        self._prompt = f"({name})"
        self._socket: socket.socket | None = None
        self._heard = b""

    @property
    def text(self) -> str:
        """All that it said, without telnet's bytes and the terminal's."""
        return readable(self._heard)

    @property
    def ready(self) -> bool:
        """Whether its prompt has come: the script is over, and this is no other Renode."""
        return self._prompt in self.text

    def poll(self) -> None:
        """Connect if it listens, and take what it said so far."""
        if self._socket is None:
            self._connect()
        while self._readable(0.0) and self._receive():
            pass

    def ask(self, command: str, answer: str, timeout: float) -> str | None:
        """The first group of the pattern ``answer`` in what it says to ``command``; None where
        it does not say so within ``timeout`` seconds."""
        before = len(self._heard)
        if not self.send(command):
            return None
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self._readable(end - time.monotonic()) and not self._receive():
                return None
            if found := re.search(answer, readable(self._heard[before:])):
                return found.group(1)
        return None

    def send(self, command: str) -> bool:
        """Whether ``command`` could be sent, to a monitor that is known to be the right one."""
        if self._socket is None or not self.ready:
            return False
        try:
            self._socket.sendall(command.encode() + b"\n")
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Disconnect. May be called twice."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> None:
        with suppress(OSError):  # it does not listen yet
            self._socket = socket.create_connection(("127.0.0.1", self._port), CONNECT_SECONDS)

    def _readable(self, timeout: float) -> bool:
        if self._socket is None:
            return False
        return bool(select.select([self._socket], [], [], max(0.0, timeout))[0])

    def _receive(self) -> bool:
        """Whether something came; at the end of the connection it is closed."""
        try:
            data = self._socket.recv(CHUNK)
        except OSError:
            data = b""
        self._heard += data
        if not data:
            self.close()
        return bool(data)


def readable(data: bytes) -> str:
    """``data`` without telnet commands and terminal control sequences, lines ended by \\n."""
    plain = _TELNET.sub(lambda found: b"\xff" if found.group() == b"\xff\xff" else b"", data)
    text = _STEERING.sub("", plain.decode("utf-8", "replace"))
    return re.sub(r"\r+\n?|\n\r", "\n", text)


def failure(text: str) -> str:
    """What ``text`` says of a command that failed, shortened; "" where none did."""
    found = _FAILURES.search(text)
    return " ".join(text[found.start() :][:ERROR_TEXT].split()) if found else ""
