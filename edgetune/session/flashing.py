"""Firmware that a board on a serial port is to run is written first, where it runs another."""

from __future__ import annotations

import time
from pathlib import Path

from edgetune.boards import Board
from edgetune.device.serial import usb_ports
from edgetune.errors import DeviceNotFoundError, LinkError
from edgetune.flash import Flasher, Written, choose_flasher
from edgetune.flash.image import read_image
from edgetune.flash.probes import usb_probes
from edgetune.session.connection import connect
from edgetune.session.firmware import Firmware
from edgetune.session.reporter import Reporter

PORT_SECONDS = 20.0  # for the port to come back, where writing resets the debugger's USB as well


def write_image(path: Path, board: Board, flasher: Flasher, reporter: Reporter) -> Written:
    """Write the ELF file at ``path``, once it is clear that it belongs to ``board``.

    Raises:
        UsageError: it is no image, or one for another board.
        DeviceNotFoundError, ToolchainError: see `Flasher.write`.
    """
    image = read_image(path)
    image.check(board)
    reporter.note(f"Writing {image.size:,} bytes to {board.title} by {flasher.name}")
    return flasher.write(image, lambda done, total: reporter.progress("Writing", done, total))


def ensure_firmware(firmware: Firmware, device: str, reporter: Reporter) -> bool:
    """Make a board run ``firmware``; whether that took writing it.

    A device that is not a serial port is launched with its firmware and needs nothing.

    Args:
        device: a resolved one. If its port belongs to a debug probe, that probe is used.

    Raises:
        UsageError: nothing writes this board.
        DeviceNotFoundError, ToolchainError: the port does not open, or writing failed.
        LinkError: the board does not run the firmware even now.
    """
    if not device.startswith("/") or _runs(firmware, device, reporter):
        return False
    board = firmware.plan.board
    flasher = _flasher(board, device)
    flasher.check()
    write_image(firmware.build.elf, board, flasher, reporter)
    _wait(firmware, device, reporter)
    return True


def _flasher(board: Board, port: str) -> Flasher:
    """The board's default one, for the probe that the port is part of."""
    kinds = choose_flasher(board).probe_kinds
    return choose_flasher(board, probe=_probe_of(port, kinds))


def _probe_of(port: str, kinds: tuple[str, ...]) -> str | None:
    """Id of the debug probe that offers ``port``, as ST-LINK, J-Link and DAPLink do."""
    serials = {known.serial_number for known in usb_ports() if known.device == port}
    usable = (probe for probe in usb_probes() if probe.kind in kinds)
    return next((probe.serial for probe in usable if probe.usb_serial in serials), None)


def _runs(firmware: Firmware, device: str, reporter: Reporter) -> bool:
    try:
        with connect(firmware, device, reporter):
            return True
    except LinkError as error:
        reporter.note(error.message)
        return False


def _wait(firmware: Firmware, device: str, reporter: Reporter) -> None:
    """Until the port opens again and the firmware behind it answers."""
    end = time.monotonic() + PORT_SECONDS
    while True:
        try:
            with connect(firmware, device, reporter):
                return
        except DeviceNotFoundError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
