"""Serial ports: may this user open them, and does another program hold them?"""

from __future__ import annotations

import grp
import os
from pathlib import Path

from edgetune.device.serial import usb_ports
from edgetune.session.doctor.check import Check

USE = "a real board"
PROC = Path("/proc")


def check_ports() -> list[Check]:
    """One check a port, or one that says that there is none."""
    found = usb_ports()
    if not found:
        return [Check("serial port", False, False, USE, "no USB serial port is visible",
                      "Connect the board's USB cable; some cables carry power only.")]
    return [_port(port) for port in found]


def _port(port) -> Check:
    name = f"serial port {port.device}"
    what = f"{port.description or 'USB serial port'} (id:{port.serial_number})"
    if not os.access(port.device, os.R_OK | os.W_OK):
        fix = f"sudo usermod -aG {_group(port.device)} $USER, then log in again"
        return Check(name, False, False, USE, f"{what}: no permission", fix, broken=True)
    if holders := holders_of(port.device):
        who = ", ".join(f"{program} ({pid})" for pid, program in holders)
        fix = f"End it, or: kill {' '.join(str(pid) for pid, _ in holders)}"
        return Check(name, False, False, USE, f"{what}: in use by {who}", fix, broken=True)
    return Check(name, True, False, USE, what)


def _group(path: str) -> str:
    """Who may open it; "dialout" where that cannot be told."""
    try:
        return grp.getgrgid(os.stat(path).st_gid).gr_name
    except (OSError, KeyError):
        return "dialout"


def holders_of(path: str, proc: Path = PROC) -> list[tuple[int, str]]:
    """(process id, program) of each other process that has ``path`` open, as far as one may see.

    Opening the port to find out would reset some boards.
    """
    target, found = os.path.realpath(path), []
    for folder in proc.glob("[0-9]*"):
        if int(folder.name) != os.getpid() and _holds(folder, target):
            found.append((int(folder.name), _program(folder)))
    return sorted(found)


def _holds(folder: Path, target: str) -> bool:
    try:
        return any(os.readlink(link) == target for link in (folder / "fd").iterdir())
    except OSError:  # it has ended, or belongs to somebody else
        return False


def _program(folder: Path) -> str:
    try:
        return (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "?"
