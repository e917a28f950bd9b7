"""The firmware in Renode. The UART is a pseudo-terminal that Renode makes."""

import os
import shutil
import socket
import tempfile
import time
import tty
from pathlib import Path

from edgetune.boards import Board
from edgetune.device.process import Process
from edgetune.device.stream import StreamDevice
from edgetune.errors import DeviceNotFoundError, ToolchainError

START_SECONDS = 60.0  # it takes 3 to 6, more on a busy machine
SETTLE_SECONDS = 0.5  # for the two lines of the script after the one that makes the UART
QUIT_SECONDS = 5.0
SCRIPT_ERROR = "There was an error executing command"


class RenodeDevice(StreamDevice):
    """``elf``: the image; the scripts are written next to it."""

    name = "renode"

    def __init__(self, board: Board, elf: Path, start_seconds: float = START_SECONDS):
        super().__init__()
        if "renode" not in board.emulators:
            raise DeviceNotFoundError(
                f"{board.title} cannot run in Renode.",
                "Its board.toml names no Renode platform.",
                f"Choose one of: {', '.join(['host', *board.emulators])}",
            )
        self._board = board
        self._elf = elf.resolve()
        self._start_seconds = start_seconds
        self._folder: tempfile.TemporaryDirectory | None = None
        self._port = 0

    def open(self) -> None:
        if not self._elf.is_file():
            raise DeviceNotFoundError(
                "There is no image to run.", f"{self._elf} does not exist.", "Build it: make"
            )
        renode = find_renode()
        self._folder = tempfile.TemporaryDirectory(prefix="edgetune-")
        try:
            self._launch(renode, Path(self._folder.name) / "uart")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._process and self._process.alive():
            self._quit()
        super().close()
        if self._folder:
            self._folder.cleanup()
            self._folder = None

    def _launch(self, renode: str, uart: Path) -> None:
        script = write_scripts(self._board, self._elf, uart)
        self._port = _free_port()
        self._process = Process(command(renode, self._port, self._elf, script))
        end = time.monotonic() + self._start_seconds
        while not uart.exists():
            self._check_start()
            if time.monotonic() > end:
                raise self._failed(f"It did not start within {self._start_seconds:g} seconds.")
            time.sleep(0.05)
        time.sleep(SETTLE_SECONDS)
        self._check_start()
        self._fd = os.open(uart, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._fd)

    def _check_start(self) -> None:
        if SCRIPT_ERROR in self._process.log():
            raise self._failed("Its script failed.")
        if not self._process.alive():
            raise self._failed("It ended while starting.")

    def _failed(self, why: str) -> ToolchainError:
        said = self.diagnosis()
        return ToolchainError(
            "Renode does not run the firmware.",
            why + (f" It said: {said}" if said else ""),
            "Try the board in QEMU: --device qemu; Renode 1.16 or newer is needed.",
        )

    def _quit(self) -> None:
        """Ask through the monitor; `Process.stop` ends what stays."""
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1.0) as monitor:
                monitor.sendall(b"quit\n")
                self._process.wait(QUIT_SECONDS)
        except OSError:
            pass


def command(renode: str, port: int, elf: Path, script: Path) -> list[str]:
    """The command line: no window, no colours, the monitor on a port."""
    setup = f"$bin={_at(elf)}; include {_at(script)}"
    return [renode, "--disable-xwt", "--plain", "-P", str(port), "--hide-log", "-e", setup]


def write_scripts(board: Board, elf: Path, uart: Path) -> Path:
    """Write the platform and the script next to ``elf``; the path of the script.

    Args:
        uart: path of the pseudo-terminal that the script makes.
    """
    platform = elf.with_suffix(".repl")
    platform.write_text(platform_text(board), encoding="utf-8")
    script = elf.with_suffix(".resc")
    script.write_text(script_text(board, elf, platform, uart), encoding="utf-8")
    return script


def platform_text(board: Board) -> str:
    """The stock platform of the board, with a cycle counter where board.toml asks for one."""
    facts = board.emulators["renode"]
    lines = [f'using "{facts["platform"]}"', ""]
    if facts.get("dwt"):
        hz = board.clock["hz"]
        lines += ["dwt: Miscellaneous.DWT @ sysbus 0xE0001000", f"    frequency: {hz}", ""]
        lines += ["cpu:", f"    PerformanceInMips: {hz // 1_000_000}", ""]
    return "\n".join(lines)


def script_text(board: Board, elf: Path, platform: Path, uart: Path) -> str:
    """The commands that make the machine; a person can run them with `include`."""
    return "\n".join(
        [
            f"$bin?={_at(elf)}",
            f'mach create "{board.name}"',
            f"machine LoadPlatformDescription {_at(platform)}",
            "sysbus LoadELF $bin",
            f'emulation CreateUartPtyTerminal "term" "{uart}" true',
            f"connector Connect sysbus.{board.emulators['renode']['uart']} term",
            "start",
            "",
        ]
    )


def find_renode() -> str:
    """The program in ``$EDGETUNE_RENODE``, else `renode` on PATH.

    Raises:
        ToolchainError: there is none.
    """
    named = os.environ.get("EDGETUNE_RENODE")
    if found := shutil.which(named or "renode"):
        return found
    raise ToolchainError(
        "Renode was not found.",
        f"$EDGETUNE_RENODE is {named}." if named else "renode is not on PATH.",
        "Download the portable build, unpack it, and set EDGETUNE_RENODE to its `renode`: "
        "https://github.com/renode/renode/releases",
    )


def _at(path: Path) -> str:
    """A path as Renode's monitor reads it."""
    return "@" + str(path).replace(" ", "\\ ")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
