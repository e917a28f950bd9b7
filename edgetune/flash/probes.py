"""Debug probes on this computer's USB, as Linux lists them below /sys."""

from __future__ import annotations

from pathlib import Path

from edgetune.dataclass import dataclass
from edgetune.flash.faults import several_probes

USB = Path("/sys/bus/usb/devices")
ST = "0483"
SEGGER = "1366"
RASPBERRY_PI = "2e8a"

# ST-LINK/V2, V2-1 and V3, as OpenOCD's interface/stlink.cfg lists them.
STLINK_PRODUCTS = (
    "3744", "3748", "374b", "374d", "374e", "374f", "3752", "3753", "3754", "3755", "3757",
)  # fmt: skip
# RP2040 and RP2350 in BOOTSEL mode (picotool's udev rules).
BOOTSEL_PRODUCTS = ("0003", "000f")


@dataclass(frozen=True)
class Probe:
    """``kind``: "stlink", "jlink", "cmsis-dap" or "bootsel"; ``usb_serial``: as USB tells it.

    ``node``: the file that stands for it below /dev, "" where that is not known.
    """

    kind: str
    product: str
    usb_serial: str
    node: str = ""

    @property
    def serial(self) -> str:
        """The id that tools take: J-Link's is a number, which USB pads with zeros."""
        return self.usb_serial.lstrip("0") if self.kind == "jlink" else self.usb_serial

    def __str__(self) -> str:
        return f"{self.serial}  {self.product}"


def usb_probes(root: Path = USB) -> list[Probe]:
    """All probes, sorted by serial number; none on a computer without ``root``."""
    found = [_probe(folder) for folder in root.glob("*") if (folder / "idVendor").is_file()]
    return sorted(filter(None, found), key=lambda probe: probe.serial)


def check_single(tool: str, kinds: tuple[str, ...], root: Path = USB) -> None:
    """DeviceNotFoundError where several probes of one kind leave open which is meant.

    OpenOCD and st-flash would take the first they find.
    """
    probes = usb_probes(root)
    for kind in kinds:
        same = [str(probe) for probe in probes if probe.kind == kind]
        if len(same) > 1:
            raise several_probes(tool, same)


def _probe(folder: Path) -> Probe | None:
    vendor, product = _text(folder / "idVendor"), _text(folder / "idProduct")
    name = _text(folder / "product")
    kind = _kind(vendor, product, name)
    if not kind:
        return None
    return Probe(kind, name or kind, _text(folder / "serial"), _node(folder))


def _node(folder: Path) -> str:
    bus, device = _text(folder / "busnum"), _text(folder / "devnum")
    both = bus.isdigit() and device.isdigit()
    return f"/dev/bus/usb/{int(bus):03}/{int(device):03}" if both else ""


def _kind(vendor: str, product: str, name: str) -> str:
    if vendor == ST and product in STLINK_PRODUCTS:
        return "stlink"
    if vendor == SEGGER:
        return "jlink"
    if vendor == RASPBERRY_PI and product in BOOTSEL_PRODUCTS:
        return "bootsel"
    return "cmsis-dap" if "CMSIS-DAP" in name else ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
