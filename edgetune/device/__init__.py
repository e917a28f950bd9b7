"""Where firmware runs: on this computer, in an emulator, or behind a serial port."""

from edgetune.device.base import Device
from edgetune.device.select import needs_native, open_device, resolve_device

__all__ = ["Device", "needs_native", "open_device", "resolve_device"]
