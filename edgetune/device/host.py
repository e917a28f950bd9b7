"""The firmware as a process of this computer, its UART on standard input and output."""

import os
import socket
from pathlib import Path

from edgetune.device.process import Process
from edgetune.device.stream import StreamDevice
from edgetune.errors import DeviceNotFoundError

FLASH = "EDGETUNE_FLASH"  # in the environment


class HostDevice(StreamDevice):
    """``program``: the image of the native target. It ends when this process does.

    What firmware with a store keeps in flash lies in a file: that of ``$EDGETUNE_FLASH``, else
    flash.bin beside the program.
    """

    name = "host"

    def __init__(self, program: Path):
        super().__init__()
        self._program = program

    def open(self) -> None:
        program = self._program.resolve()
        flash = os.environ.get(FLASH) or str(program.with_name("flash.bin"))
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                end = theirs.fileno()
                self._process = Process(
                    [str(program)], stdin=end, stdout=end, environment={FLASH: flash}
                )
            except OSError as error:
                ours.close()
                raise DeviceNotFoundError(
                    "The firmware for this computer cannot be started.",
                    str(error),
                    "Build it: make native",
                ) from error
        ours.setblocking(False)
        self._fd = ours.detach()
