"""USB devices that this computer sees, without a library: from Linux's sysfs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

SYSFS = Path("/sys/bus/usb/devices")
NODES = Path("/dev/bus/usb")


@dataclass(frozen=True)
class UsbDevice:
    """``vendor``, ``product``: the 16-bit ids; ``node``: the file that programs open."""

    vendor: int
    product: int
    name: str
    serial: str
    node: Path

    @property
    def writable(self) -> bool:
        """Whether this user may open it."""
        return os.access(self.node, os.R_OK | os.W_OK)


def usb_devices(sysfs: Path = SYSFS, nodes: Path = NODES) -> list[UsbDevice]:
    """Every USB device, in the order of its place on the bus; [] where there is no sysfs."""
    found = (_read(folder, nodes) for folder in sorted(sysfs.glob("*")))
    return [device for device in found if device]


def _read(folder: Path, nodes: Path) -> UsbDevice | None:
    """None for what is no device: interfaces, and devices that go while they are read."""
    try:
        vendor, product = (int(_text(folder, f"id{kind}"), 16) for kind in ("Vendor", "Product"))
        place = [f"{int(_text(folder, number)):03d}" for number in ("busnum", "devnum")]
    except (OSError, ValueError):
        return None
    name, serial = _optional(folder, "product"), _optional(folder, "serial")
    return UsbDevice(vendor, product, name, serial, nodes.joinpath(*place))


def _text(folder: Path, name: str) -> str:
    return (folder / name).read_text(encoding="utf-8", errors="replace").strip()


def _optional(folder: Path, name: str) -> str:
    try:
        return _text(folder, name)
    except OSError:
        return ""
