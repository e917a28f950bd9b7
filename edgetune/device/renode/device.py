"""The device: Renode as a child process, the UART a pseudo-terminal or a socket."""

from __future__ import annotations

import re
import secrets
import tempfile
import time
from pathlib import Path

from edgetune.boards import Board
from edgetune.device.emulator import check_image, emulator_facts
from edgetune.device.process import Process
from edgetune.device.renode.finding import find_renode
from edgetune.device.renode.line import PtyLine, SocketLine, free_port, uart_line
from edgetune.device.renode.monitor import Monitor, failure
from edgetune.device.renode.scripts import escaped, platform_text, write_run
from edgetune.device.stream import StreamDevice
from edgetune.errors import ToolchainError

START_SECONDS = 60.0  # it takes 3 to 6, more on a busy machine
POLL_SECONDS = 0.05
PROMPT_SECONDS = 5.0  # for the monitor's prompt, once the UART is there
GRACE_SECONDS = 5.0  # for the UART, once a command failed
ANSWER_SECONDS = 5.0
QUIT_SECONDS = 5.0
PORT_ATTEMPTS = 3
# Renode takes 9 to 10 KB/s in such pieces, and a tenth of that in one of 4 KB.
PIECE = 64
PIECE_RATE = 10_000.0  # bytes per second
# Stock platforms fetch chip descriptions, which only name registers in logs, from a server that may
# be slow or out of reach; a proxy that nobody serves refuses at once, and Renode goes on.
OFFLINE = {
    name: "http://127.0.0.1:9"
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
} | {"no_proxy": "", "NO_PROXY": ""}
REFUSED = (
    "This Renode refuses the counter that edgetune adds: its own platform runs, where ticks are "
    "no instructions"
)
_TAKEN = re.compile("address (is )?already in use|AddressAlreadyInUse", re.IGNORECASE)


class RenodeDevice(StreamDevice):
    """``elf``: the image; scripts for people are left next to it."""

    name = "renode"

    def __init__(self, board: Board, elf: Path, start_seconds: float = START_SECONDS):
        super().__init__()
        emulator_facts(board, self.name)
        platform_text(board)  # before anything is built: whether there is one
        self._board = board
        self._elf = elf
        self._start_seconds = start_seconds
        self._folder: tempfile.TemporaryDirectory | None = None
        self._monitor: Monitor | None = None
        self._clear_at = 0.0

    def open(self) -> None:
        check_image(self._elf)
        renode, self.remark = find_renode(), ""
        try:
            self._start_at_a_free_port(renode, plain=False)
        except _ScriptFailed:  # another version may not know all that the script asks for
            try:
                self._start_at_a_free_port(renode, plain=True)
                self.remark = REFUSED
            except _ScriptFailed as again:
                raise again.named from None

    def write(self, data: bytes) -> None:
        """As every device, in pieces and at the pace at which Renode takes them fastest."""
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            time.sleep(max(0.0, self._clear_at - time.monotonic()))
            super().write(piece)
            self._clear_at = time.monotonic() + len(piece) / PIECE_RATE

    def executed_instructions(self) -> int | None:
        """All instructions since the start, by the emulator's own count; None where it is mute."""
        if self._monitor is None:
            return None
        command = "sysbus.cpu ExecutedInstructions"
        said = self._monitor.ask(command, r"(?m)^ *(0x[0-9A-Fa-f]+|\d+) *\n", ANSWER_SECONDS)
        return int(said, 0) if said else None

    def diagnosis(self) -> str:
        said = failure(self._monitor.text) if self._monitor else ""
        return "\n".join(part for part in (super().diagnosis(), said) if part)

    def close(self) -> None:
        if self._monitor:
            if self.alive() and self._monitor.send("quit"):
                self._process.wait(QUIT_SECONDS)
            self._monitor.close()
        super().close()  # ends what stays: the launcher need not be Renode itself
        if self._folder:
            self._folder.cleanup()
            self._folder = None

    def _start_at_a_free_port(self, renode: str, plain: bool) -> None:
        for attempt in range(PORT_ATTEMPTS):
            try:
                self._start(renode, plain)
                return
            except _PortTaken as again:
                self.close()
                if attempt + 1 == PORT_ATTEMPTS:
                    raise again.named from None
            except BaseException:
                self.close()
                raise

    def _start(self, renode: str, plain: bool) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="edgetune-")
        folder, port = Path(self._folder.name), free_port()
        line = uart_line(folder)
        # A name of its own tells this Renode's prompt from that of another one at the port.
        name = f"{self._board.name}-{secrets.token_hex(4)}"
        script = write_run(self._board, self._elf, folder, name, line.command, plain)
        words = command(renode, port, script)
        self._process = Process(words, cwd=str(folder), environment=OFFLINE)
        self._monitor = Monitor(port, name)
        self._wait_for_script(line)
        self._check_started()

    def _wait_for_script(self, line: PtyLine | SocketLine) -> None:
        """Until the UART is open and the prompt came, or stays away although the UART is there.

        A command that failed says little: one in a stock platform is passed over, one in the
        script ends it before the UART is there.
        """
        end = time.monotonic() + self._start_seconds
        while time.monotonic() < end and not (self._monitor.ready and self._fd >= 0):
            time.sleep(POLL_SECONDS)
            self._monitor.poll()
            self._check_alive()
            if self._fd < 0 and (fd := line.open()) >= 0:
                self._fd, end = fd, min(end, time.monotonic() + PROMPT_SECONDS)
            if self._refused():
                end = min(end, time.monotonic() + GRACE_SECONDS)
        if self._fd < 0:
            late = f"It did not start within {self._start_seconds:g} seconds."
            why = "Its script failed." if self._refused() else late
            raise _ScriptFailed(self._failed(why))

    def _check_started(self) -> None:
        answer = self._monitor.ask("emulation IsStarted", r"\b(True|False)\b", ANSWER_SECONDS)
        self._check_alive()
        if answer == "False" or answer is None and self._refused():
            raise _ScriptFailed(self._failed("It did not start the emulation."))

    def _check_alive(self) -> None:
        if _TAKEN.search(self._process.log()):
            raise _PortTaken(self._failed("Its port was taken."))
        if not self.alive():
            raise self._failed("It ended while starting.")

    def _refused(self) -> bool:
        return bool(failure(self._monitor.text) or failure(self._process.log()))

    def _failed(self, why: str) -> ToolchainError:
        said = self.diagnosis()
        return ToolchainError(
            "Renode does not run the firmware.",
            why + (f" It said: {said}" if said else ""),
            f"Use another device: --device {_other(self._board)}; the scripts are written for "
            "Renode 1.16.",
        )


class _Again(Exception):
    """Starting failed in a way that another start may not; ``named`` is for the user."""

    def __init__(self, named: ToolchainError):
        self.named = named


class _PortTaken(_Again):
    """Another program took the port between our look and Renode's."""


class _ScriptFailed(_Again):
    """Renode did not get as far as the UART."""


def command(renode: str, port: int, script: Path) -> list[str]:
    """The command line: no window, no colours, the monitor on a port."""
    run = f"include @{escaped(str(script))}"
    return [renode, "--disable-xwt", "--plain", "-P", str(port), "--hide-log", "-e", run]


def _other(board: Board) -> str:
    return "qemu" if "qemu" in board.emulators else "host"
