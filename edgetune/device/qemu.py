"""The firmware in QEMU. The UART is one end of a socket pair, so no port is opened."""

import os
import shutil
import socket
import time
from pathlib import Path

from edgetune.boards import Board
from edgetune.device.emulator import check_image, emulator_facts
from edgetune.device.process import Process
from edgetune.device.stream import StreamDevice
from edgetune.errors import ToolchainError

# 128 ns of virtual time per instruction: more than two ticks of the slowest timer (20 MHz), so
# that a tick more or less never changes the count of instructions.
ICOUNT_NS = 128
BOOT_SLICE = 0.02  # seconds
_ICOUNT = f"shift={ICOUNT_NS.bit_length() - 1},align=off,sleep=off"


class QemuDevice(StreamDevice):
    """``elf``: the image. ``icount``: make the board's counter count executed instructions."""

    name = "qemu"

    def __init__(self, board: Board, elf: Path, icount: bool = False):
        super().__init__()
        self._machine = emulator_facts(board, self.name)
        self._elf = elf
        self._icount = icount
        self._monitor: socket.socket | None = None
        self._booting = False

    def command(self, uart: int, monitor: int) -> list[str]:
        """The command line that runs the image, with these file descriptors for its ends."""
        serial = [*["null"] * self._machine.get("serial", 0), "chardev:uart"]
        command = [find_qemu(), "-machine", self._machine["machine"], "-display", "none"]
        command += ["-chardev", f"socket,id=uart,fd={uart}"]
        command += ["-chardev", f"socket,id=monitor,fd={monitor}", "-mon", "monitor"]
        for place in serial:
            command += ["-serial", place]
        if self._icount:
            command += ["-icount", _ICOUNT]
        return [*command, "-kernel", str(self._elf.resolve())]

    def open(self) -> None:
        check_image(self._elf)
        uart, their_uart = socket.socketpair()
        self._monitor, their_monitor = socket.socketpair()
        self._monitor.setblocking(False)  # a QEMU that is stuck does not read it
        self._fd, self._booting = uart.detach(), True
        with their_uart, their_monitor:
            ends = (their_uart.fileno(), their_monitor.fileno())
            try:
                os.set_blocking(self._fd, False)
                self._process = Process(self.command(*ends), pass_fds=ends)
            except BaseException:
                self.close()
                raise

    def read(self, timeout: float) -> bytes:
        """As every device; until the firmware first speaks, in slices with a nudge before each.

        QEMU looks once a second whether a UART that was off takes bytes now, or sooner when
        something else happens, such as an empty line on its monitor.
        """
        end = time.monotonic() + timeout
        data = b""
        while self._booting and not data and time.monotonic() < end:
            self._nudge()
            data = super().read(min(BOOT_SLICE, end - time.monotonic()))
        if self._booting and data:
            self._nudge()  # it may have come before the UART's state was looked at
            self._booting = False
        return data or super().read(end - time.monotonic())

    def close(self) -> None:
        super().close()
        if self._monitor:
            self._monitor.close()
            self._monitor = None

    def _nudge(self) -> None:
        try:
            self._monitor.send(b"\n")
        except (AttributeError, OSError):
            self._booting = False  # closed, or QEMU has ended


def find_qemu() -> str:
    """qemu-system-arm on PATH.

    Raises:
        ToolchainError: there is none.
    """
    if found := shutil.which("qemu-system-arm"):
        return found
    raise ToolchainError(
        "QEMU was not found.",
        "qemu-system-arm is not on PATH.",
        "Install it: sudo apt-get install qemu-system-arm",
    )
