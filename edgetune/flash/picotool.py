"""picotool (its README, "load"): writes an RP2040 in BOOTSEL mode over USB, without a probe."""

from __future__ import annotations

from edgetune.flash import faults
from edgetune.flash.base import Progress, Written, no_progress
from edgetune.flash.image import FlashImage
from edgetune.flash.tool import ToolFlasher


class PicotoolFlasher(ToolFlasher):
    """``probe`` is the serial number that the board shows in BOOTSEL mode."""

    name = "picotool"
    programs = ("picotool",)
    install = "Get it from https://github.com/raspberrypi/pico-sdk-tools/releases"
    done = r"(?s)Verifying.*OK"
    probe_kinds = ("bootsel",)
    meanings = (
        (r"picotool was unable to connect|check your permissions|Unable to connect to device",
         faults.no_permission),
        (r"requires a single", faults.ambiguous),
        (r"No accessible .* found", faults.no_bootsel),
        (r"did not match the file|FAILED", faults.not_verified),
        (r"too big to fit in flash|cannot be used with a|not compatible", faults.wrong_chip),
        (r"not permitted|NOT_PERMITTED", faults.locked),
    )

    def command(self, image: FlashImage) -> list[str]:
        """The command line: load, verify, execute."""
        probe = ["--ser", self.probe] if self.probe else []
        path = str(image.path.resolve())
        return [self.program(), "load", "-v", "-x", path, "-t", "elf", *probe]

    def write(self, image: FlashImage, progress: Progress = no_progress) -> Written:
        return self.finish(image, self.command(image))
