"""The firmware in QEMU. The UART is one end of a socket pair, so no port is opened."""

import shutil
import socket
from pathlib import Path

from edgetune.boards import Board
from edgetune.device.process import Process
from edgetune.device.stream import StreamDevice
from edgetune.errors import DeviceNotFoundError, ToolchainError

# 128 ns of virtual time per instruction: more than two ticks of the slowest timer (20 MHz), so
# that a tick more or less never changes the count of instructions.
ICOUNT_NS = 128
_ICOUNT = f"shift={ICOUNT_NS.bit_length() - 1},align=off,sleep=off"


class QemuDevice(StreamDevice):
    """``elf``: the image. ``icount``: make the board's counter count executed instructions."""

    name = "qemu"

    def __init__(self, board: Board, elf: Path, icount: bool = False):
        super().__init__()
        if "qemu" not in board.emulators:
            raise DeviceNotFoundError(
                f"{board.title} cannot run in QEMU.",
                "Its board.toml names no QEMU machine.",
                f"Choose one of: {', '.join(['host', *board.emulators])}",
            )
        self._machine = board.emulators["qemu"]
        self._elf = elf
        self._icount = icount

    def command(self, fd: int) -> list[str]:
        """The command line that runs the image with its UART on file descriptor ``fd``."""
        serial = [*["null"] * self._machine.get("serial", 0), "chardev:uart"]
        command = [find_qemu(), "-machine", self._machine["machine"], "-display", "none"]
        command += ["-monitor", "none", "-chardev", f"socket,id=uart,fd={fd}"]
        for place in serial:
            command += ["-serial", place]
        if self._icount:
            command += ["-icount", _ICOUNT]
        return [*command, "-kernel", str(self._elf.resolve())]

    def open(self) -> None:
        if not self._elf.is_file():
            raise DeviceNotFoundError(
                "There is no image to run.", f"{self._elf} does not exist.", "Build it: make"
            )
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = Process(self.command(theirs.fileno()), pass_fds=[theirs.fileno()])
            except BaseException:
                ours.close()
                raise
        ours.setblocking(False)
        self._fd = ours.detach()


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
