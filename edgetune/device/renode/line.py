"""The UART's other end: a pseudo-terminal, or a socket where the computer has none."""

from __future__ import annotations

import os
import socket
import tty
from pathlib import Path

from edgetune.dataclass import dataclass
from edgetune.device.renode.scripts import pty, server

CONNECT_SECONDS = 5.0


@dataclass(frozen=True)
class PtyLine:
    """A pseudo-terminal that Renode makes, with a link to it at ``path``."""

    path: Path

    @property
    def command(self) -> str:
        """What makes it, in Renode."""
        return pty(str(self.path))

    def open(self) -> int:
        """A non-blocking file descriptor, unchanged bytes both ways; -1: not there yet."""
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except FileNotFoundError:
            return -1
        tty.setraw(fd)
        return fd


@dataclass(frozen=True)
class SocketLine:
    """A TCP server that Renode opens at ``port``. It keeps bytes until somebody connects."""

    port: int

    @property
    def command(self) -> str:
        """What makes it, in Renode."""
        return server(self.port)

    def open(self) -> int:
        """A non-blocking file descriptor of a connection; -1: not there yet."""
        try:
            connection = socket.create_connection(("127.0.0.1", self.port), CONNECT_SECONDS)
        except OSError:
            return -1
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        return connection.detach()


def uart_line(folder: Path) -> PtyLine | SocketLine:
    """The kind that this computer has; a pseudo-terminal's link lies in ``folder``."""
    try:
        ends = os.openpty()
    except (AttributeError, OSError):
        return SocketLine(free_port())
    for end in ends:
        os.close(end)
    return PtyLine(folder / "uart")


def free_port() -> int:
    """A TCP port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
