"""J-Link Commander (SEGGER UM08001, "J-Link Commander"), driven by a file of its commands."""

from __future__ import annotations

import tempfile
from pathlib import Path

from edgetune.flash import faults
from edgetune.flash.base import Progress, Written, no_progress
from edgetune.flash.image import FlashImage
from edgetune.flash.tool import ToolFlasher

SPEED_KHZ = 4000


class JLinkFlasher(ToolFlasher):
    """Takes the board's ``device``, SEGGER's name of the chip; ``probe``: the serial number."""

    name = "jlink"
    programs = ("JLinkExe", "JLink")
    install = "Install SEGGER's J-Link Software Pack: https://www.segger.com/downloads/jlink"
    done = r"Verify successful"
    probe_kinds = ("jlink",)
    meanings = (
        (r"insufficient permission|missing permission", faults.no_permission),
        (r"already (in use|open)", faults.busy),
        (r"Cannot connect to (J-Link|the probe)|Connecting to J-Link[^\n]*FAILED",
         faults.no_probe),
        (r"Verify failed", faults.not_verified),
        (r"(read|write|readout|read-out)[ -]?protect|device is secured|is (locked|secured)"
         r"|CTRL-AP indicates that the device is secured", faults.locked),
        (r"Unknown device|is unknown to this (software|version)|does not match", faults.wrong_chip),
        (r"Cannot connect to target|Could not connect to (the )?target|No device found",
         faults.no_chip),
    )

    def command(self, script: Path) -> list[str]:
        """The command line. ``script``: the file that holds `commands`."""
        probe = ["-USB", self.probe] if self.probe else []
        return [
            self.program(), "-NoGui", "1", "-ExitOnError", "1", *probe,
            "-device", self.facts["device"], "-if", "SWD", "-speed", str(SPEED_KHZ),
            "-autoconnect", "1", "-CommandFile", str(script),
        ]  # fmt: skip

    def write(self, image: FlashImage, progress: Progress = no_progress) -> Written:
        with tempfile.TemporaryDirectory(prefix="edgetune-") as folder:
            binary, script = Path(folder) / "firmware.bin", Path(folder) / "write.jlink"
            binary.write_bytes(image.flat())
            script.write_text(commands(binary, image.origin), encoding="utf-8")
            return self.finish(image, self.command(script))


def commands(binary: Path, address: int) -> str:
    """Reset and halt, write, compare, reset, run."""
    place = f"{binary}, 0x{address:08X}"
    return "\n".join(["r", f"loadbin {place}", f"verifybin {place}", "r", "g", "exit", ""])
