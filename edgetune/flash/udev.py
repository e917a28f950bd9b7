"""udev rules that let a user without root open debug probes.

``edgetune doctor --udev`` prints them; `faults.INSTALL_RULES` is the whole command line.
"""

from __future__ import annotations

from edgetune.flash.probes import BOOTSEL_PRODUCTS, RASPBERRY_PI, SEGGER, ST, STLINK_PRODUCTS

# uaccess: who sits at the computer; the group: who is logged in from elsewhere.
_ACCESS = 'MODE="660", GROUP="plugdev", TAG+="uaccess"'


def udev_rules() -> str:
    """Rules for ST-LINK, J-Link, CMSIS-DAP and boards in BOOTSEL mode, as one file's text."""
    lines = [
        "# Debug probes and boards that edgetune writes to, opened without root.",
        "# ST-LINK/V2, V2-1, V3",
        *(_usb(ST, product) for product in STLINK_PRODUCTS),
        "# J-Link, on its own or on a board",
        _usb(SEGGER),
        "# CMSIS-DAP: DAPLink, Raspberry Pi Debug Probe, board debuggers",
        f'SUBSYSTEM=="usb", ATTR{{product}}=="*CMSIS-DAP*", {_ACCESS}',
        f'KERNEL=="hidraw*", ATTRS{{product}}=="*CMSIS-DAP*", {_ACCESS}',
        "# RP2040 and RP2350 in BOOTSEL mode",
        *(_usb(RASPBERRY_PI, product) for product in BOOTSEL_PRODUCTS),
    ]
    return "\n".join([*lines, ""])


def _usb(vendor: str, product: str = "") -> str:
    chosen = f', ATTR{{idProduct}}=="{product}"' if product else ""
    return f'SUBSYSTEM=="usb", ATTR{{idVendor}}=="{vendor}"{chosen}, {_ACCESS}'
