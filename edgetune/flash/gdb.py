"""Any GDB server: QEMU, OpenOCD, J-Link, pyOCD. GDB itself loads, compares and starts."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from edgetune.boards import Board
from edgetune.errors import UsageError
from edgetune.flash import faults
from edgetune.flash.base import Progress, Written, no_progress
from edgetune.flash.image import FlashImage
from edgetune.flash.tool import SECONDS, ToolFlasher

CONNECT_SECONDS = 3
VTOR = 0xE000ED08  # Armv7-M manual B3.2.5; a core without it ignores the write
THUMB = 0x01000000  # xPSR.T, without which the first instruction faults

# Run one by one, failures included: each GDB server knows some of them.
_RESET = ("monitor system_reset", "monitor reset halt")
_RESUME = ("et_resume", "et_go", "et_detach")


class GdbFlasher(ToolFlasher):
    """``server``: "HOST:PORT". The chip runs on when GDB has gone."""

    name = "gdb"
    programs = ("gdb-multiarch", "arm-none-eabi-gdb")
    install = "Install it: sudo apt-get install gdb-multiarch"
    done = r"(?s)\A(?!.*MIS-MATCHED).*edgetune: loaded and compared"
    meanings = (
        (r"could not connect|Connection (refused|timed out|reset)|Name or service not known"
         r"|Remote communication error|Remote replied unexpectedly|No route to host",
         faults.no_server),
        (r"MIS-MATCHED", faults.not_verified),
        (r"Error erasing flash|Error finishing flash|Error writing data to flash"
         r"|flash memory write protected|device protected", faults.locked),
    )

    def __init__(self, board: Board, server: str, seconds: float = SECONDS):
        super().__init__(board, server, seconds)
        host, _, port = server.rpartition(":")
        if not host or not port.isdigit():
            raise UsageError(
                f"'{server}' is not the address of a GDB server.",
                "It is written HOST:PORT, with the port as a number.",
                "For a server on this computer: --gdb 127.0.0.1:3333",
            )

    def command(self, image: FlashImage, script: Path) -> list[str]:
        """The command line. ``script``: the file that holds `script_text`."""
        steps = [
            "set confirm off", "set pagination off", f"set tcp connect-timeout {CONNECT_SECONDS}",
            f"target extended-remote {self.probe}", *_RESET,
        ]  # fmt: skip
        before = [word for step in steps for word in ("-ex", step)]
        after = [word for step in _RESUME for word in ("-ex", step)]
        path = str(image.path.resolve())
        return [self.program(), "-batch", "-nx", *before, "-x", str(script), *after, path]

    def write(self, image: FlashImage, progress: Progress = no_progress) -> Written:
        with tempfile.TemporaryDirectory(prefix="edgetune-") as folder:
            script = Path(folder) / "write.gdb"
            script.write_text(script_text(image), encoding="utf-8")
            return self.finish(image, self.command(image, script))

    def _fault(self, output: str) -> Exception:
        match = re.search(r"[^\n]*MIS-MATCHED[^\n]*", output)
        return super()._fault(f"{output}\n{match[0]}" if match else output)


def script_text(image: FlashImage) -> str:
    """What GDB does once connected; its first failure ends the script.

    The commands it defines run afterwards, and do something only if all went well: OpenOCD
    resumes by ``monitor resume``, J-Link by ``monitor go``, QEMU and pyOCD when GDB detaches.
    ``compare-sections`` reports sections that differ without failing: its output is read for it.
    """
    lines = [
        *_guarded("et_resume", "monitor resume"),
        *_guarded("et_go", "monitor go"),
        *_guarded("et_detach", "detach"),
        "set $et_written = 0",
        "load",
        "compare-sections",
        f"set *(unsigned int *)0x{VTOR:08X} = 0x{image.vectors:08X}",
        f"set $xpsr = 0x{THUMB:08X}",
        f"set $sp = *(unsigned int *)0x{image.vectors:08X}",
        f"set $pc = 0x{image.entry:08X}",
        "set $et_written = 1",
        r"echo edgetune: loaded and compared\n",
    ]
    return "\n".join([*lines, ""])


def _guarded(name: str, command: str) -> list[str]:
    return [f"define {name}", "if $et_written", command, "end", "end"]
