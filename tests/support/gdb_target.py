"""A QEMU that stands for a chip behind a debug probe: a GDB server, and its UART as a device."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from edgetune.boards import Board
from edgetune.device.qemu import QemuDevice

START_SECONDS = 20.0  # a bound, not an expectation


class GdbTarget(QemuDevice):
    """The chip of ``board``: empty and stopped, or running ``firmware``.

    ``server``: "HOST:PORT" of its GDB server. With ``pty`` the UART is not this device but a
    pseudo-terminal, whose path is ``port``: what a board on a serial port looks like.
    """

    def __init__(self, board: Board, firmware: Path | None = None, pty: bool = False):
        super().__init__(board, firmware or Path(__file__))  # `command` leaves the latter out
        self._empty = firmware is None
        self._pty = pty
        self._gdb_port = _free_port()
        self.server = f"127.0.0.1:{self._gdb_port}"
        self.port = ""

    def command(self, uart: int, monitor: int) -> list[str]:
        command = super().command(uart, monitor)
        if self._pty:
            command[command.index(f"socket,id=uart,fd={uart}")] = "pty,id=uart"
        if self._empty:
            command = [*command[: command.index("-kernel")], "-S"]
        return [*command, "-gdb", f"tcp:{self.server}"]

    def open(self) -> None:
        """Returns when the GDB server listens."""
        super().open()
        self._wait_for_server()
        if self._pty:
            self.port = self._process.log().split("char device redirected to ")[1].split()[0]

    def _wait_for_server(self) -> None:
        """By the kernel's list of listening sockets: a connection would stop the machine."""
        wanted = f"0100007F:{self._gdb_port:04X} 00000000:0000 0A"
        end = time.monotonic() + START_SECONDS
        while wanted not in Path("/proc/net/tcp").read_text():
            assert self.alive() and time.monotonic() < end, self.diagnosis()
            time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
