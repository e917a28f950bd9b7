"""Where firmware runs: on this computer, in an emulator, or behind a serial port."""

from typing import TYPE_CHECKING

from edgetune.homes import at_first_use

if TYPE_CHECKING:
    from edgetune.device.base import Device
    from edgetune.device.select import is_launched, needs_native, open_device, resolve_device

__all__ = ["Device", "is_launched", "needs_native", "open_device", "resolve_device"]

__getattr__ = at_first_use(__name__, {
    "base": ("Device",),
    "select": ("is_launched", "needs_native", "open_device", "resolve_device",),
})  # fmt: skip
