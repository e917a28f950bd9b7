"""The firmware as a process of this computer, its UART on standard input and output."""

import socket
from pathlib import Path

from edgetune.device.process import Process
from edgetune.device.stream import StreamDevice
from edgetune.errors import DeviceNotFoundError


class HostDevice(StreamDevice):
    """``program``: the image of the native target. It ends when this process does."""

    name = "host"

    def __init__(self, program: Path):
        super().__init__()
        self._program = program

    def open(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                end = theirs.fileno()
                self._process = Process([str(self._program.resolve())], stdin=end, stdout=end)
            except OSError as error:
                ours.close()
                raise DeviceNotFoundError(
                    "The firmware for this computer cannot be started.",
                    str(error),
                    "Build it: make native",
                ) from error
        ours.setblocking(False)
        self._fd = ours.detach()
