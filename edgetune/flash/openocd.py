"""OpenOCD: one command line writes, verifies and resets (OpenOCD manual, "Flash Programming")."""

from __future__ import annotations

from edgetune.flash import faults
from edgetune.flash.base import Progress, Written, no_progress
from edgetune.flash.image import FlashImage
from edgetune.flash.tool import ToolFlasher


class OpenocdFlasher(ToolFlasher):
    """Takes the board's ``scripts``; ``probe`` is the adapter's serial number."""

    name = "openocd"
    programs = ("openocd",)
    install = "Install it: sudo apt-get install openocd"
    done = r"\*\* Verified OK \*\*"
    probe_kinds = ("stlink", "jlink", "cmsis-dap")
    meanings = (
        (r"LIBUSB_ERROR_ACCESS|Permission denied|insufficient permissions", faults.no_permission),
        (r"LIBUSB_ERROR_BUSY|Resource busy", faults.busy),
        (r"Multiple devices found", faults.ambiguous),
        (r"Error: open failed|unable to find a matching CMSIS-DAP device|No J-Link device found"
         r"|unable to open ftdi device",
         faults.no_probe),
        (r"Verify Failed|checksum mismatch|contents differ", faults.not_verified),
        (r"device protected|write protected|is protected|protection error|Device Security Bit",
         faults.locked),
        (r"APPROTECT|Could not find MEM-AP", faults.locked),
        (r"UNEXPECTED idcode|Cannot identify target|expected 1 of", faults.wrong_chip),
        (r"init mode failed|cannot read IDR|target voltage may be too low|Error connecting DP",
         faults.no_chip),
    )

    def command(self, image: FlashImage) -> list[str]:
        """The command line. ``program`` takes a Tcl word: braces keep blanks in the path."""
        scripts = [word for name in self.facts["scripts"] for word in ("-f", name)]
        probe = ["-c", f"adapter serial {self.probe}"] if self.probe else []
        path = image.path.resolve()
        return [self.program(), *scripts, *probe, "-c", f"program {{{path}}} verify reset exit"]

    def write(self, image: FlashImage, progress: Progress = no_progress) -> Written:
        return self.finish(image, self.command(image))
