"""From what the user calls a device to the device."""

from pathlib import Path

from edgetune.boards import Board
from edgetune.device.base import Device
from edgetune.device.host import HostDevice
from edgetune.device.qemu import QemuDevice
from edgetune.device.renode import RenodeDevice
from edgetune.device.serial import SerialDevice, find_by_id, find_only
from edgetune.errors import UsageError

_EMULATORS = {"qemu": QemuDevice, "renode": RenodeDevice}


def resolve_device(spec: str | None, board: Board) -> str:
    """The device meant by ``spec``: "host", "qemu", "renode" or the path of a serial port.

    None means the board's first emulator, or "host" where it has none.

    Raises:
        UsageError: ``spec`` is not the form of any device.
        DeviceNotFoundError: "auto" or "id:..." matches no port or several.
    """
    if spec is None:
        return next(iter(board.emulators), "host")
    if spec == "host" or spec in _EMULATORS:
        return spec
    if spec == "auto":
        return find_only()
    if spec.startswith("id:") and len(spec) > 3:
        return find_by_id(spec[3:])
    if spec.startswith("/"):
        return spec
    raise UsageError(
        f"'{spec}' names no device.",
        "A device is host, qemu, renode, auto, the path of a serial port, or id:SERIAL.",
        f"For {board.title} choose one of: {', '.join(['host', *board.emulators, 'auto'])}",
    )


def needs_native(name: str) -> bool:
    """Whether a resolved device runs the native image and not the board's."""
    return name == "host"


def is_launched(name: str) -> bool:
    """Whether a resolved device is a process that ends with the session, and keeps nothing."""
    return not name.startswith("/")


def open_device(
    spec: str | None, board: Board, image: Path | None = None, *, icount: bool = False
) -> Device:
    """Open the device that ``spec`` names; use it in a `with` statement.

    Args:
        spec: see `resolve_device`.
        image: the native program for "host", the ELF file for an emulator; a serial port needs
            none, because the board holds its own.
        icount: in QEMU, make the board's counter count executed instructions.

    Raises:
        UsageError, DeviceNotFoundError, ToolchainError: see `resolve_device` and `Device.open`.
    """
    device = _create(spec, board, image, icount)
    device.open()
    return device


def _create(spec: str | None, board: Board, image: Path | None, icount: bool) -> Device:
    name = resolve_device(spec, board)
    if name.startswith("/"):
        return SerialDevice(name, board.rates, spec or name)
    if image is None:
        raise UsageError(
            f"The device {name} needs an image.",
            "Only a board on a serial port holds its own.",
            "Build the project first.",
        )
    if name == "host":
        return HostDevice(image)
    if icount and name == "qemu":
        return QemuDevice(board, image, icount=True)
    return _EMULATORS[name](board, image)
