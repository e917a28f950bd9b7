"""st-flash of the stlink tools (its manual page, st-flash(1)): writes, verifies and resets."""

from __future__ import annotations

import tempfile
from pathlib import Path

from edgetune.flash import faults
from edgetune.flash.base import Progress, Written, no_progress
from edgetune.flash.image import FlashImage
from edgetune.flash.tool import ToolFlasher


class StFlashFlasher(ToolFlasher):
    """Takes a flat binary; ``probe`` is the ST-LINK's serial number."""

    name = "st-flash"
    programs = ("st-flash",)
    install = "Install it: sudo apt-get install stlink-tools"
    done = r"Flash written and verified"
    probe_kinds = ("stlink",)
    meanings = (
        (r"LIBUSB_ERROR_ACCESS|access error", faults.no_permission),
        (r"unable to claim|LIBUSB_ERROR_BUSY", faults.busy),
        (r"Couldn't find any ST-Link", faults.no_probe),
        (r"Verification of flash failed", faults.not_verified),
        (r"write protected|Flash memory is protected|Failed to unlock flash", faults.locked),
        # What no chip at all gives for its id: stlink's tutorial, "unknown chip id".
        (r"unknown chip id! (0|0x3748|0xe0042000)\b", faults.no_chip),
        (r"unknown chip id|Failed to parse flash type|exceeds the size of the flash",
         faults.wrong_chip),
        (r"Can not connect to target|Failed to enter SWD|Could not find chip id"
         r"|Failed to connect to target|Failed to halt the core", faults.no_chip),
    )

    def command(self, image: FlashImage, binary: Path) -> list[str]:
        """The command line. ``binary``: the image's bytes from its origin on."""
        probe = ["--serial", self.probe] if self.probe else []
        return [
            self.program(), "--reset", *probe, "write", str(binary), f"0x{image.origin:08x}"
        ]

    def write(self, image: FlashImage, progress: Progress = no_progress) -> Written:
        with tempfile.TemporaryDirectory(prefix="edgetune-") as folder:
            binary = Path(folder) / "firmware.bin"
            binary.write_bytes(image.flat())
            return self.finish(image, self.command(image, binary))
