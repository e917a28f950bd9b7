"""Names of packs: ARM::CMSIS-NN, Keil.STM32F4xx_DFP, ARM::CMSIS-NN@7.0.0."""

from __future__ import annotations

import re

from edgetune.dataclass import dataclass
from edgetune.errors import UsageError

# What the pack schema allows; nothing of it can leave a folder.
_WORD = r"[A-Za-z0-9_-]+"
_VERSION = r"\d[A-Za-z0-9.+_-]*"
_NAME = re.compile(rf"({_WORD})(?:::|\.)({_WORD})(?:[@.]({_VERSION}))?")


@dataclass(frozen=True)
class PackName:
    """Maker, name and version of a pack; without a version, any."""

    vendor: str
    name: str
    version: str = ""

    @classmethod
    def parse(cls, text: str) -> PackName:
        """Read VENDOR::NAME, VENDOR.NAME, each with or without @VERSION.

        Raises:
            UsageError: ``text`` is none of these.
        """
        match = _NAME.fullmatch(text.strip())
        if not match:
            raise UsageError(
                f"'{text}' is not the name of a pack.",
                "Names look like ARM::CMSIS-NN, Keil.STM32F4xx_DFP or ARM::CMSIS-NN@7.0.0.",
                "List the known ones: edgetune packs list --known",
            )
        return cls(match[1], match[2], match[3] or "")

    def __str__(self) -> str:
        return f"{self.vendor}::{self.name}" + (f"@{self.version}" if self.version else "")

    @property
    def dotted(self) -> str:
        """VENDOR.NAME, as pyOCD and file names have it."""
        return f"{self.vendor}.{self.name}"

    @property
    def age(self) -> tuple:
        """Sorts versions, the newest last: numbers as numbers, a pre-release before its release."""
        core, _, pre = self.version.partition("+")[0].partition("-")
        numbers = tuple(int(part) if part.isdigit() else 0 for part in core.split("."))
        return numbers, pre == "", pre

    def covers(self, other: PackName) -> bool:
        """Whether ``other`` is meant by this name; upper and lower case are the same."""
        same = self.dotted.lower() == other.dotted.lower()
        return same and self.version in ("", other.version)
